/**
 * Base class of the errors that this library throws. `error instanceof BackfillError` separates them from errors of
 * the app, of the database and of Redis.
 *
 * @publicApi
 */
export abstract class BackfillError extends Error {
  /** Stable across releases, for programs; the message is for people and may change. */
  abstract readonly code: string;

  /**
   * @param message what went wrong and what to do about it
   * @param options `cause`: the underlying error, if there is one
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
