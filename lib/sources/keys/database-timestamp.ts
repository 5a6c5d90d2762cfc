/**
 * A timestamp in the database's own text format. A JavaScript `Date` has milliseconds only: a key made from
 * it would skip or repeat rows that differ in microseconds.
 *
 * @internal
 */
export class DatabaseTimestamp {
  constructor(
    /** Passed back to the database unchanged. */
    readonly text: string,
    /** The `Date` that MikroORM hydrates from the text. */
    readonly date: Date,
  ) {}
}

/** Epoch milliseconds of a timestamp, in UTC if the text has no offset; `NaN` if it is not a timestamp. */
export function parseTimestamp(text: string): number {
  const [, date, time = '00:00:00', offset = 'Z'] =
    /^(\S+?)(?:[ T]([\d:.]+)(Z|[+-][\d:]+)?)?$/.exec(text) ?? [];
  return Date.parse(`${date}T${time}${/^[+-]\d\d$/.test(offset) ? `${offset}:00` : offset}`);
}

/** Whether the text of a timestamp ends with a UTC offset or `Z`. */
export function hasUtcOffset(text: string): boolean {
  return /[+-]\d\d(?::?\d\d)*$/.test(text.slice(10)) || text.endsWith('Z');
}

/** Positive if `left` is later; 0 if both are the same instant, in UTC if they have no offset. */
export function compareTimestamps(left: DatabaseTimestamp, right: DatabaseTimestamp): number {
  const difference = parseTimestamp(left.text) - parseTimestamp(right.text);
  return difference === 0
    ? Number(`0.${microsecondsOf(left.text)}`) - Number(`0.${microsecondsOf(right.text)}`)
    : difference;
}

/** The digits of a second after the milliseconds. */
export function microsecondsOf(text: string): string {
  return /\.\d{3}(\d+)/.exec(text)?.[1] ?? '';
}

/** Whether a text begins with a day that exists: `Date.parse` takes February 31 for a day in March. */
export function isCalendarDay(text: string): boolean {
  const day = /^\d{4}-\d\d-\d\d/.exec(text)?.[0];
  return day === undefined || new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
