import { RunSnapshots } from '../../../lib/ledger/run-snapshot.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { VOLATILE_FIELDS } from '../../../lib/state/run-record.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

describe('a snapshot of a run', () => {
  it('has every field of the run but the volatile ones', async () => {
    const handler = defineBackfill({ name: 'bare', source: numbers(1), processRange: () => undefined });
    const { app, backfills } = await bench.start({ handlers: [handler], options: { workers: false } });
    const { runId } = await backfills.start('bare', {
      config: { perSecondOnPeak: 5, perSecondOffPeak: 5 },
    });
    const { client } = app.get(RedisConnections, { strict: false });
    const key = app.get(BackfillKeys, { strict: false }).run(runId);
    await client.hset(key, Object.fromEntries(VOLATILE_FIELDS.map((field) => [field, '1'])));
    const snapshot = await app.get(RunSnapshots, { strict: false }).take(runId, 0);
    const kept = Object.keys(await client.hgetall(key)).filter((field) => !VOLATILE_FIELDS.includes(field));
    expect(Object.keys(snapshot?.fields ?? {}).toSorted()).toEqual(kept.toSorted());
    expect(snapshot?.run).toMatchObject({ id: runId, name: 'bare', status: 'running' });
  });
});
