/** What OpenTelemetry reserves for errors without a usable type. */
const OTHER = '_OTHER';
/** A name of a class. Others, as those made of a message, would give each error a time series of its own. */
const CLASS_NAME = /^[A-Za-z_$][\w$.]{0,79}$/;

/** The attribute `error.type` of OpenTelemetry's conventions: the name of the class of an error. */
export function errorType(error: unknown): string {
  const name = error instanceof Error ? error.name : OTHER;
  return CLASS_NAME.test(name) ? name : OTHER;
}
