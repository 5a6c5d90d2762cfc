/** ISO time of what an input of the type `datetime-local` has; what cannot be read is left to the service, which says so. */
export function isoTime(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? local : at.toISOString();
}

/** A time as an input of the type `datetime-local` has it, to the minute. */
export function localTime(iso) {
  if (!iso) return '';
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
