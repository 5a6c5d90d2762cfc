import type { BackfillRange, BackfillSource, JsonValue } from './backfill-source.js';

/**
 * The range as a range handler gets it. Default for sources without `toRange`: the fields of `planned`, with
 * `index` and `partition`.
 */
export function toRange(
  source: BackfillSource,
  planned: JsonValue,
  index: number,
  partition: string,
): BackfillRange {
  if (source.toRange) {
    return source.toRange(planned, index, partition);
  }
  const fields = fieldsOf(planned, 'planned');
  return partition === '' ? { ...fields, index } : { ...fields, index, partition };
}

/** A planned range formatted for previews and failures. */
export function describeRange(source: BackfillSource, planned: JsonValue): JsonValue {
  return source.describe?.(planned) ?? planned;
}

/** The fields of a JSON object; any other value becomes the single field `name`. */
export function fieldsOf(value: JsonValue, name: string): Readonly<Record<string, JsonValue>> {
  return isRecord(value) ? value : { [name]: value };
}

function isRecord(value: JsonValue): value is Readonly<Record<string, JsonValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
