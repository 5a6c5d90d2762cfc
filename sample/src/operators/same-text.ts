import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares secrets in a time that does not tell how much of them is equal. */
export function isSameText(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
