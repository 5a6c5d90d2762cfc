import type { JsonValue } from '../sources/backfill-source.js';
import type { RawColumns } from './compare-rows.js';
import type { EntityRows } from './raw-row.reader.js';

/** A row of a batch, before and after. */
export interface ObservedRow {
  readonly key: JsonValue;
  readonly group: EntityRows;
  /** Its primary key as text. */
  readonly keyText: string;
  readonly before: RawColumns;
  readonly after: RawColumns | null;
}
