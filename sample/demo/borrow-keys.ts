import { Redis } from 'ioredis';
import type { Service } from '../../test/support/services/index.js';
import type { Borrowed } from './borrow-database.js';

/** Every key of the demo begins with the prefix, so that a Redis of somebody else can be cleaned of them. */
export function borrowKeys(
  { url, external }: Service,
  prefix: string,
): Borrowed & { readonly prefix: string } {
  return { url, prefix, giveBack: () => (external ? remove(url, prefix) : Promise.resolve()) };
}

async function remove(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    // The library makes a hash tag of the prefix, for the sake of clusters.
    for await (const keys of redis.scanStream({ match: `{${prefix}}*`, count: 1000 })) {
      if ((keys as string[]).length > 0) {
        await redis.unlink(...(keys as string[]));
      }
    }
  } finally {
    redis.disconnect();
  }
}
