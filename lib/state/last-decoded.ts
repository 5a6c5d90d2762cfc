/**
 * Remembers what was made of the last text of each key. Most of what is read again and again has not changed: it is then the
 * same object as before, so that what was made of that can be kept, too.
 */
export class LastDecoded<Value> {
  private readonly last = new Map<string, { readonly text: string; readonly value: Value }>();

  /** @param decode is called only for another text than the last one of the key */
  of(key: string, text: string, decode: (text: string) => Value): Value {
    const before = this.last.get(key);
    if (before?.text === text) {
      return before.value;
    }
    const value = decode(text);
    this.last.set(key, { text, value });
    return value;
  }
}
