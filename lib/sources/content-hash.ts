import { createHash } from 'node:crypto';

/** 96 bits: a change is not found with a probability of one in 2^96. */
const LENGTH = 16;

/** A short digest of texts and bytes, in this order. It is the same in all processes and versions of Node. */
export class ContentHash {
  private constructor(private readonly hash = createHash('sha256')) {}

  static of(...parts: readonly (string | Uint8Array)[]): ContentHash {
    return parts.reduce<ContentHash>((hash, part) => hash.add(part), new ContentHash());
  }

  add(part: string | Uint8Array): this {
    this.hash.update(part);
    return this;
  }

  copy(): ContentHash {
    return new ContentHash(this.hash.copy());
  }

  /** Once: nothing can be added afterwards. */
  digest(): string {
    return this.hash.digest('base64url').slice(0, LENGTH);
  }
}
