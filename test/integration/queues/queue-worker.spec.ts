import { setImmediate as nextTurn } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import { QueueWorker } from '../../../lib/queues/queue.worker.js';
import { eventually } from '../../support/apps/index.js';
import { createTestRedis } from '../../support/databases/index.js';

const redis = await createTestRedis();
const LOCK_MS = 2_000;
/** Longer than the time between two renewals. */
const BLOCK_MS = 600;
const BLOCKS = 6;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close();
  }
});

/** What others wait for until it opens. */
class Gate {
  open: () => void = () => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

/** A worker that lists the renewals that it has sent, and that the test keeps waiting for replies. */
class ObservedWorker extends QueueWorker<number> {
  readonly renewals: string[][] = [];
  /** Of the renewals from now on. */
  reply: Gate | null = null;
  /** Of the fetch of the second job. */
  secondJob: Gate | null = null;
  /** For how long the event loop is blocked before it reads the reply to a fetch. */
  blockMs = 0;
  private fetches = 0;

  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    this.renewals.push(jobIds);
    const { reply } = this;
    const failed = await super.extendJobLocks(jobIds, tokens, duration);
    await reply?.opened;
    return failed;
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<number>> {
    if (++this.fetches === 2) {
      await this.secondJob?.opened;
    }
    return super.moveToActive(token, name);
  }

  protected override async nextJobFromJobData(
    ...reply: Parameters<QueueWorker<number>['nextJobFromJobData']>
  ): Promise<Job<number>> {
    blockEventLoop(this.blockMs);
    return super.nextJobFromJobData(...reply);
  }
}

function blockEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A queue with jobs, and a worker with room for all of them, which it processes until the test ends. */
async function working(name: string, jobs: number) {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  closing.push(() => connection.quit());
  const queue = new Queue(name, { connection, prefix: redis.prefix });
  closing.push(() => queue.close());
  await queue.addBulk(Array.from({ length: jobs }, (_, data) => ({ name: 'job', data })));
  const ended = new Gate();
  const begun: string[] = [];
  const lost: string[] = [];
  const worker = new ObservedWorker(
    name,
    async ({ id }) => {
      begun.push(String(id));
      await ended.opened;
    },
    { connection, prefix: redis.prefix, concurrency: jobs, lockDuration: LOCK_MS, autorun: false },
  );
  worker.on('lockRenewalFailed', (ids: string[]) => lost.push(...ids));
  closing.push(() => worker.close(), ended.open);
  return { worker, begun, lost };
}

describe('a worker', () => {
  it('renews locks while the reply to a renewal is under way, and waits while those to two are', async () => {
    const { worker, lost } = await working('replies', 1);
    const reply = new Gate();
    closing.push(reply.open);
    worker.reply = reply;
    void worker.run();
    await eventually(
      'a second renewal',
      () => worker.renewals.length,
      (renewals) => renewals === 2,
    );
    worker.reply = null;
    reply.open();
    await eventually(
      'a third one',
      () => worker.renewals.length,
      (renewals) => renewals > 2,
    );
    expect(lost).toEqual([]);
  });

  it('renews locks in each turn of an event loop that is blocked again and again', async () => {
    const { worker, begun } = await working('blocked', 1);
    void worker.run();
    await eventually(
      'the job to begin',
      () => begun.length,
      (jobs) => jobs === 1,
    );
    await nextTurn();
    const before = worker.renewals.length;
    for (let block = 0; block < BLOCKS; block++) {
      blockEventLoop(BLOCK_MS);
      await nextTurn();
    }
    // One less where Redis takes longer than a block to reply.
    expect(worker.renewals.length - before).toBeGreaterThanOrEqual(BLOCKS - 1);
  });

  it('renews the lock of a job that it has fetched and not begun', async () => {
    const { worker, begun } = await working('fetched', 2);
    worker.secondJob = new Gate();
    closing.push(worker.secondJob.open);
    void worker.run();
    await eventually(
      'the lock of the first job to be renewed',
      () => worker.renewals.length,
      (renewals) => renewals > 0,
    );
    expect(begun).toEqual([]);
  });

  it('renews the lock of a job at once where it reads the reply to its fetch late', async () => {
    const { worker } = await working('late', 1);
    worker.blockMs = BLOCK_MS;
    const renewed = new Promise<string[][]>((resolve) =>
      worker.once('active', ({ id }: Job<number>) =>
        resolve(worker.renewals.filter((ids) => ids.includes(String(id)))),
      ),
    );
    void worker.run();
    expect(await renewed).toEqual([['1']]);
  });
});
