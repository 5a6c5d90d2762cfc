import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { WorkReportStore } from '../../../lib/state/work-report.store.js';
import { createAppBench, eventually } from '../../support/apps/index.js';

const bench = await createAppBench();

describe('the connection that a process reports', () => {
  it('is the one that is open, after it was lost, too', async () => {
    const { app } = await bench.start({ options: { workers: false } });
    const store = app.get(WorkReportStore, { strict: false });
    const { client } = app.get(RedisConnections, { strict: false });
    const first = await store.connection();
    expect(first).toBe(await client.client('ID'));
    expect(await store.connection()).toBe(first);

    await bench.redis.client.client('KILL', 'ID', Number(first));
    const second = await eventually(
      'another connection',
      () => store.connection(),
      (id) => id !== first,
    );
    expect(second).toBe(await client.client('ID'));
  });
});
