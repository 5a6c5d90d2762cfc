/** The kind of a class of errors of this library. `Symbol.for` is the same in every copy of the package. */
export const ERROR_KIND = Symbol.for('nestjs-backfill:error-kind');

/**
 * Base class of the errors that this library throws. `error instanceof BackfillError` separates them from errors of
 * the app, of the database and of Redis. It is true of an error of another copy of the package, too, such as one that a
 * CommonJS module and one that an ES module has loaded; so it is for the classes below.
 *
 * @publicApi
 */
export abstract class BackfillError extends Error {
  /** @internal */
  static readonly [ERROR_KIND]: string = 'error';

  /** @internal */
  static override [Symbol.hasInstance](this: object, value: unknown): boolean {
    // A class of the app that extends one of these has no kind of its own.
    const kind = Object.hasOwn(this, ERROR_KIND) ? Reflect.get(this, ERROR_KIND) : undefined;
    return (
      Function.prototype[Symbol.hasInstance].call(this, value) ||
      (kind !== undefined && isOfKind(value, kind))
    );
  }

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

function isOfKind(value: unknown, kind: unknown): boolean {
  let type: unknown = typeof value === 'object' && value !== null ? value.constructor : null;
  while (typeof type === 'function') {
    if (Reflect.get(type, ERROR_KIND) === kind) {
      return true;
    }
    type = Object.getPrototypeOf(type);
  }
  return false;
}
