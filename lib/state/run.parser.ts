import { freezeParsed } from './json.js';
import { parseFields, recordOf } from './run-record.js';
import type { ParsedFields, RunRecord } from './run-record.js';

/**
 * Parses runs that are read again and again: of each, only the fields that have changed since the last time. Of a run that
 * goes on, these are a few counters, and the others are most of the work.
 */
export class RunParser {
  private readonly last = new Map<string, ParsedFields>();

  /**
   * Throws as `parseRun` does. What is in the record is frozen, as later records have the same parts.
   *
   * @param key whose run it is: only its last one is remembered
   */
  parse(key: string, hash: Readonly<Record<string, string>>): RunRecord {
    const parsed = parseFields(hash, this.last.get(key));
    Object.values(parsed.values).forEach(freezeParsed);
    freezeParsed(parsed.cursors);
    this.last.set(key, parsed);
    return recordOf(parsed);
  }
}
