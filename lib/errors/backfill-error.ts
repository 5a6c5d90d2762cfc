/**
 * Base of every error this library throws on purpose.
 *
 * @publicApi
 */
export abstract class BackfillError extends Error {
  /** Stable across releases, for programs; the message is for people and may change. */
  abstract readonly code: string;

  /**
   * @param message What went wrong and what to do about it.
   * @param options `cause`: the error underneath, where there is one.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
