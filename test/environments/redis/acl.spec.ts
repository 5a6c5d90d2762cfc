import { Redis } from 'ioredis';
import { aclRules } from '../../support/docs/index.js';
import { startRedis } from '../../support/services/index.js';
import { createEnvironmentBench, environment } from '../support/index.js';
import { operate } from '../support/operate.js';

const bench = await createEnvironmentBench();

environment('Redis with an ACL user', async () => {
  const release = { server: 'redis-server', debian: 'trixie' } as const;
  const { connection } = await bench.keep(startRedis({ release }));
  const admin = new Redis(connection);
  try {
    const rules = await aclRules();
    await admin.call('ACL', 'SETUSER', ...rules.server);
    await admin.call('ACL', 'SETUSER', ...rules.recent);
    await bench.run({
      redis: { connection: { ...connection, username: 'backfill', password: 'secret' } },
      options: { keyPrefix: 'backfill' },
      during: ({ operator: { backfills } }) => operate(backfills),
    });
    expect(await admin.acl('LOG')).toEqual([]);
    // The log does see what is denied.
    const user = new Redis({ ...connection, username: 'backfill', password: 'secret' });
    await expect(user.flushall()).rejects.toThrow('NOPERM');
    await expect(user.get('elsewhere')).rejects.toThrow('NOPERM');
    user.disconnect();
    expect(await admin.acl('LOG')).toHaveLength(2);
  } finally {
    admin.disconnect();
  }
});
