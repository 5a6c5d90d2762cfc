import type { BackfillRange, BackfillSource, JsonValue } from './backfill-source.js';

/** The range as the handler sees it: made by the source, or its data with index and partition. */
export function toRange(
  source: BackfillSource,
  planned: JsonValue,
  index: number,
  partition: string,
): BackfillRange {
  if (source.toRange) {
    return source.toRange(planned, index, partition);
  }
  const fields =
    typeof planned === 'object' && planned !== null && !Array.isArray(planned) ? planned : { planned };
  return { ...fields, index, ...(partition === '' ? {} : { partition }) };
}

/** A planned range as a person reads it. */
export function describeRange(source: BackfillSource, planned: JsonValue): JsonValue {
  return source.describe?.(planned) ?? planned;
}
