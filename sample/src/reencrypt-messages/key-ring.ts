import { createHash } from 'node:crypto';

/** A key and the name that rows know it by. */
export interface MessageKey {
  readonly id: string;
  readonly secret: Buffer;
}

/** The key that messages were written with so far, and the one that replaces it. */
export interface KeyRing {
  readonly retiring: MessageKey;
  readonly current: MessageKey;
}

export const KEY_RING = Symbol('key-ring');

/** An app has its keys from a vault. Those of a sample need not be secret. */
export function sampleKeyRing(): KeyRing {
  return { retiring: key('2021'), current: key('2025') };
}

function key(id: string): MessageKey {
  return { id, secret: createHash('sha256').update(`sample key ${id}`).digest() };
}
