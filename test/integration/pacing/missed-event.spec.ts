import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigStore } from '../../../lib/config/config.store.js';
import { RangeQueues } from '../../../lib/queues/range.queues.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
/** A worker that is not woken looks at the limit of its queue after half a minute. */
const BEFORE_POLL_MS = 20_000;
const WOKEN_MS = 1_500;

describe('a rate of which no event has told', () => {
  it('is in force for a worker that waits for the end of a limit', async () => {
    const starts: number[] = [];
    const handler = defineBackfill({
      name: 'ticking',
      source: numbers(1_000),
      config: { batchSize: 1, perSecondOnPeak: 1 / 600, perSecondOffPeak: 1 / 600 },
      processRange: () => void starts.push(Date.now()),
    });
    const { app, backfills } = await bench.start({ handlers: [handler] });
    const { runId } = await backfills.start('ticking');
    await eventually(
      'the first range',
      () => starts.length,
      (length) => length === 1,
    );

    // For half a second after an event the worker looks again by itself.
    await sleep(WOKEN_MS);

    // What a configuration writes, but for the event: in one step, so that no tick finds a part of it.
    const keys = app.get(BackfillKeys, { strict: false });
    const { client } = app.get(RedisConnections, { strict: false });
    const queue = app.get(RangeQueues, { strict: false }).of('ticking');
    await client
      .multi()
      .hset(keys.config('ticking'), { perSecondOnPeak: '20', perSecondOffPeak: '20' })
      .hset(keys.run(runId), { interval: '50000', moment: '0' })
      .hset(queue.toKey('meta'), { max: '1', duration: '46' })
      .del(queue.toKey('limiter'))
      .exec();
    await eventually(
      'ten more ranges',
      () => starts.length,
      (length) => length > 10,
      BEFORE_POLL_MS,
    );
    const { config } = await app.get(ConfigStore, { strict: false }).read('ticking', []);
    expect(config).toMatchObject({ perSecondOnPeak: 20, perSecondOffPeak: 20 });
  });
});
