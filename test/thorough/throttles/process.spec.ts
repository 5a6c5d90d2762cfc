import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Queue } from 'bullmq';
import { heapUse, httpThrottle, queueDepth } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { ThrottleMeter } from '../../support/throttles/index.js';

const bench = await createAppBench();
const meter = new ThrottleMeter(undefined, bench.redis.client);

const MB = 1_048_576;

it('a heap that fills up presses, until it is free again', async () => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { reason } = await meter.measure(heapUse({ from: 0, to: 1 }));
  const used = Number(/\d+/.exec(reason)?.[0]) / 100;
  const filler: number[][] = [];
  const throttle = heapUse({ from: used + 0.03, to: used + 0.06 });
  await meter.until(throttle, 0);
  await meter.until(throttle, 1, async () => {
    filler.push(Array.from({ length: (32 * MB) / 8 }, (_, at) => at + 0.5));
  });
  filler.length = 0;
  await meter.until(throttle, 0, async () => collect());
});

it('jobs that pile up in a queue press, until they are taken', async () => {
  const queue = new Queue('mails', { connection: bench.redis.client, prefix: bench.redis.prefix });
  const throttle = queueDepth({ queues: ['mails'], prefix: bench.redis.prefix, from: 5, to: 15 });
  await meter.until(throttle, 0);
  await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'mail', data: {}, opts: { priority: 1 } })));
  expect(await meter.until(throttle, 1)).toEqual({ pressure: 1, reason: '20 jobs wait in mails' });
  await queue.drain();
  await meter.until(throttle, 0);
  await queue.close();
});

it('a service that says so holds a run, and lets it go on', async () => {
  let load = '3';
  const service = createServer((_, response) => {
    const value = [1_700_000_000, load];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'scalar', result: value } }));
  });
  await new Promise<void>((resolve) => {
    service.listen(0, '127.0.0.1', resolve);
  });
  const { port } = service.address() as AddressInfo;
  const work = defineBackfill({
    name: 'work',
    source: numbers(1_000_000),
    config: { batchSize: 1, perSecondOnPeak: 10, perSecondOffPeak: 10 },
    throttles: [
      httpThrottle({ name: 'load', url: `http://127.0.0.1:${port}/`, from: 4, to: 16, everyMs: 200 }),
    ],
    processRange: () => {},
  });
  const { backfills } = await bench.start({ handlers: [work] });
  await backfills.start('work');
  for (const [value, perSecond, reason] of [
    ['10', 5, 'all hours, slowed to 50 % by load 10'],
    ['20', 0, 'all hours, held by load 20'],
    ['3', 10, 'all hours'],
  ] as const) {
    load = value;
    const status = await eventually(
      `a rate of ${perSecond}`,
      () => backfills.status('work'),
      ({ rate }) => rate.perSecond === perSecond,
    );
    expect(status.rate.reason).toBe(reason);
  }
  await backfills.cancel('work');
  service.closeAllConnections();
  await new Promise((resolve) => {
    service.close(resolve);
  });
});
