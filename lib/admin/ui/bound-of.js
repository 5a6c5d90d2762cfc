/** A bound as it was typed: text, or JSON for a composite key. */
export function boundOf(field, text) {
  const value = text.trim();
  if (!value.startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    throw Object.assign(new Error('Not JSON'), {
      fields: [{ field, expected: 'a key, or JSON such as {"id": 1}' }],
    });
  }
}
