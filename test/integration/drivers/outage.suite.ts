import { keyset } from 'nestjs-backfill';
import { defineBackfill, eventually } from '../../support/apps/index.js';
import type { DriverBench } from './driver-bench.js';
import { Entry, rowsOf } from './entities.js';

/** A database server that the test can kill and restart. */
export interface RestartableServer {
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A database outage holds the run in every process. Only a server that the test file started is killed. */
export function outageSuite(
  bench: DriverBench,
  server: () => RestartableServer | undefined,
  own: boolean,
): void {
  (own ? it : it.skip)('holds the run, which completes afterwards', async () => {
    await bench.fill(Entry, rowsOf(60));
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      guard: bench.guard,
      source: keyset(Entry, { orderBy: { at: 'desc', id: 'desc' } }),
      config: {
        batchSize: 2,
        perSecondOnPeak: 20,
        perSecondOffPeak: 20,
        concurrency: 4,
        attempts: 1,
        backoffMs: 1,
      },
      processBatch: (rows) => {
        for (const row of rows) row.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    await backfills.start('touch-entries');
    await eventually(
      'some ranges',
      () => backfills.status('touch-entries'),
      ({ done }) => done >= 4,
    );
    await server()?.kill();
    await eventually(
      'the outage to be seen',
      () => backfills.status('touch-entries'),
      ({ rate, lastError }) => lastError !== null && rate.perSecond === 0,
    );
    await server()?.restart();
    expect(await finished('touch-entries')).toMatchObject({
      state: 'completed',
      done: 30,
      failed: 0,
      rowsDone: 60,
      rowsFailed: 0,
    });
    expect(await bench.orm.em.fork().count(Entry, { touches: { $gte: 1 } })).toBe(60);
  });
}
