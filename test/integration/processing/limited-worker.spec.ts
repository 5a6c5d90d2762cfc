import { jest } from '@jest/globals';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { LimitedWorker } from '../../../lib/processing/limited.worker.js';
import { createTestRedis } from '../../support/databases/index.js';
import { eventually } from '../../support/apps/index.js';

const redis = await createTestRedis();
const LONG_MS = 600_000;
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close();
  }
});

/** Keys of the script with which a worker fetches jobs; no other command of a worker has as many. */
const KEYS_OF_FETCH = 11;

/** A queue that starts a job in ten minutes, with three jobs, and a worker that waits as long as that. */
async function limited(name: string, windowMs?: () => number) {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  closing.push(() => connection.quit());
  const queue = new Queue(name, { connection, prefix: redis.prefix });
  closing.push(() => queue.close());
  await queue.setGlobalRateLimit(1, LONG_MS);
  await queue.addBulk([1, 2, 3].map((number) => ({ name: 'job', data: number })));
  const done: number[] = [];
  const own = new Redis(redis.url, { maxRetriesPerRequest: null });
  closing.push(() => own.quit());
  const sent = jest.spyOn(own, 'sendCommand');
  const fetches = () =>
    sent.mock.calls.filter(
      ([{ name: command, args }]) => command.startsWith('eval') && Number(args[1]) === KEYS_OF_FETCH,
    ).length;
  const worker = new LimitedWorker<number>(
    name,
    ({ data }) => {
      done.push(data);
      return Promise.resolve();
    },
    { connection: own, prefix: redis.prefix, maximumRateLimitDelay: LONG_MS, concurrency: 3 },
    windowMs,
  );
  closing.push(() => worker.close());
  const processed = (count: number) =>
    eventually(
      `${count} jobs`,
      () => done.length,
      (ended) => ended === count,
    );
  /** As the library does when the rate of a run has changed. */
  const limit = async (max: number) => {
    await queue.setGlobalRateLimit(max, LONG_MS);
    await queue.removeRateLimitKey();
  };
  return { queue, worker, done, fetches, processed, limit };
}

describe('a worker whose queue is limited', () => {
  it('looks again when it is woken', async () => {
    const { worker, processed, limit } = await limited('woken');
    await processed(1);
    await limit(2);
    worker.wake();
    await processed(3);
  });

  it('goes on waiting when it is woken and the limit still holds', async () => {
    const { worker, queue, done, processed, limit } = await limited('early');
    await processed(1);
    worker.wake();
    worker.wake();
    expect(await queue.getRateLimitTtl()).toBeGreaterThan(0);
    expect(done).toEqual([1]);
    await limit(2);
    worker.wake();
    await processed(3);
  });

  it('does not wait for the end of the limit when it is closed', async () => {
    const { worker, queue, processed } = await limited('closed');
    await processed(1);
    await worker.close();
    expect(await queue.getWaitingCount()).toBe(2);
  });

  it('does not ask for a further job where it knows that the queue gives none', async () => {
    let windowMs = LONG_MS;
    const { worker, fetches, processed, limit } = await limited('known', () => windowMs);
    await processed(1);
    expect(fetches()).toBe(1);
    // As where an event tells of another limit: what was known no longer holds.
    windowMs = 0;
    await limit(2);
    worker.wake();
    await processed(3);
  });

  it('asks for further jobs where the queue may give several at once', async () => {
    const { fetches, processed } = await limited('unknown');
    await processed(1);
    expect(fetches()).toBe(2);
  });
});
