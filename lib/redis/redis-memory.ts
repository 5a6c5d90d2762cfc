import type { RedisClient } from './redis-connections.js';

/** Whether Redis refused a write because `maxmemory` is reached. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message);
}

/** A warning where Redis may evict the state of a run when its memory is full, or `null`. */
export async function memoryPolicyWarning(client: RedisClient): Promise<string | null> {
  const info = await client.info('memory');
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') {
    return null;
  }
  return (
    `Redis has maxmemory-policy ${policy}, which may evict the state of a run. Set it to noeviction: ` +
    'CONFIG SET maxmemory-policy noeviction, and in redis.conf.'
  );
}
