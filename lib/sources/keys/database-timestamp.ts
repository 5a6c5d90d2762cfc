/**
 * A point in time as the database wrote it. A JavaScript `Date` holds milliseconds only, so a key made of
 * one would lose or double the rows that differ in microseconds.
 *
 * @internal
 */
export class DatabaseTimestamp {
  constructor(
    /** Goes back to the database unchanged. */
    readonly text: string,
    /** What MikroORM makes of the text. */
    readonly date: Date,
  ) {}
}

/** Reads a database's text as UTC where it names no offset of its own. */
export function parseTimestamp(text: string): number {
  const [, date, time = '00:00:00', offset = 'Z'] =
    /^(\S+?)(?:[ T]([\d:.]+)(Z|[+-][\d:]+)?)?$/.exec(text) ?? [];
  return Date.parse(`${date}T${time}${/^[+-]\d\d$/.test(offset) ? `${offset}:00` : offset}`);
}

/** Whether a point in time is written with its distance from UTC. */
export function hasUtcOffset(text: string): boolean {
  return /[+-]\d\d(?::?\d\d)*$/.test(text.slice(10)) || text.endsWith('Z');
}
