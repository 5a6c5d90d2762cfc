import type { RedisClient } from './lua-script.js';

/**
 * What is wrong with how Redis treats a lack of memory, or `null`. A policy that evicts may take away the
 * state of a run.
 */
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
