/**
 * The content of an item as text, the same in all processes: JSON, with what it cannot represent.
 *
 * @throws TypeError for an object that contains itself
 */
export function itemText(item: unknown): string {
  return JSON.stringify(item, (_, value: unknown) => replaced(value)) ?? 'undefined';
}

function replaced(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return { $bigint: value.toString() };
  }
  if (value instanceof Map) {
    return { $map: [...(value as Map<unknown, unknown>)] };
  }
  return value instanceof Set ? { $set: [...(value as Set<unknown>)] } : value;
}
