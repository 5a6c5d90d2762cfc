import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { BackfillService } from 'nestjs-backfill';
import { aclRules } from '../../support/docs/index.js';
import { startRedis } from '../../support/services/index.js';
import { createEnvironmentBench, environment } from '../support/index.js';
import { BACKFILL } from '../support/environment-app.js';

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

/** What an operator does, beside starting, pausing and resuming a run. */
async function operate(backfills: BackfillService): Promise<void> {
  await backfills.list();
  await backfills.overview();
  await backfills.preview(BACKFILL);
  await backfills.rehearse(BACKFILL, { rows: 2 });
  await backfills.failures(BACKFILL);
  await backfills.runs(BACKFILL);
  await backfills.configureBudget({ concurrency: 6 });
  await backfills.budget();
  await backfills.hold({ by: 'test', reason: 'a look' });
  await sleep(500);
  await backfills.release({ by: 'test' });
}
