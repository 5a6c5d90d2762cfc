import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { KEY_RING, type KeyRing } from './key-ring.js';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A message as the table holds it. */
export interface Sealed {
  readonly id: bigint;
  readonly keyId: string;
  readonly body: Buffer;
}

/** Encrypts and decrypts message bodies: initialisation vector, tag and cipher text in one buffer. */
@Injectable()
export class MessageCipher {
  constructor(@Inject(KEY_RING) readonly keys: KeyRing) {}

  seal(id: bigint, text: Buffer, keyId = this.keys.current.id): Buffer {
    const iv = randomBytes(IV_BYTES);
    // The id is authenticated too, so that a body moved to another row does not decrypt there.
    const cipher = createCipheriv(ALGORITHM, this.secret(keyId), iv).setAAD(Buffer.from(`${id}`));
    const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), encrypted]);
  }

  /** Throws when key, id or a single bit of the body is wrong. */
  open({ id, keyId, body }: Sealed): Buffer {
    const iv = body.subarray(0, IV_BYTES);
    const tag = body.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(ALGORITHM, this.secret(keyId), iv)
      .setAAD(Buffer.from(`${id}`))
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(body.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  }

  private secret(keyId: string): Buffer {
    const { retiring, current } = this.keys;
    const found = [retiring, current].find(({ id }) => id === keyId);
    if (!found) {
      throw new Error(`Expected a key of the ring (${retiring.id}, ${current.id}), got ${keyId}`);
    }
    return found.secret;
  }
}
