import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { BenchPlan, Role } from '../bench-plan.js';
import { processFigures } from '../process-figures.js';

const AT_ONCE = 1_000;

/** BullMQ as one would use it by hand: jobs by `addBulk`, a worker that does nothing. */
export async function open(plan: BenchPlan): Promise<Role> {
  const connection = new Redis(plan.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue('raw', { connection, prefix: plan.keyPrefix });
  await queue.waitUntilReady();

  const add = async (jobs: number) => {
    for (let from = 0; from < jobs; from += AT_ONCE) {
      await queue.addBulk(
        Array.from({ length: Math.min(AT_ONCE, jobs - from) }, (_, i) => ({
          name: 'range',
          data: { begin: from + i, end: from + i },
          opts: { removeOnComplete: true },
        })),
      );
    }
  };
  return {
    /** Adds jobs and answers the ms that it took. */
    add: async (jobs: number) => {
      const from = performance.now();
      await add(jobs);
      return performance.now() - from;
    },
    ...processFigures(),
    empty: () => queue.obliterate({ force: true }),
    /** Adds jobs and works them off at the same time; answers the ms until the last was done. */
    run: async (jobs: number, concurrency: number) => {
      const from = performance.now();
      let done = 0;
      let worker: Worker | undefined;
      await new Promise<void>((resolve, reject) => {
        worker = new Worker('raw', async () => undefined, {
          connection,
          prefix: plan.keyPrefix,
          concurrency,
        });
        worker.on('completed', () => ++done === jobs && resolve());
        worker.on('error', reject);
        add(jobs).catch(reject);
      });
      const ms = performance.now() - from;
      await worker?.close();
      return ms;
    },
  };
}
