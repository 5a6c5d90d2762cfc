/** What OpenTelemetry reserves for errors without a usable type. */
const OTHER = '_OTHER';
/** Others, as those made of a message, are not the names of classes. */
const CLASS_NAME = /^[A-Za-z_$][\w$.]{0,79}$/;
/** Each type is a time series of its own: a handler whose errors have ids in their names must not make thousands. */
const MOST_TYPES = 100;

/** The attribute `error.type` of OpenTelemetry's conventions: the name of the class of an error. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) {
    return OTHER;
  }
  // A class that sets no name inherits that of `Error`.
  const name = error.name === 'Error' ? error.constructor.name : error.name;
  return CLASS_NAME.test(name) ? name : OTHER;
}

/** The types of errors in metrics, of which there is an upper bound. */
export class ErrorTypes {
  private readonly types = new Set<string>();

  of(error: unknown): string {
    const type = errorType(error);
    if (this.types.size < MOST_TYPES) {
      this.types.add(type);
    }
    return this.types.has(type) ? type : OTHER;
  }
}
