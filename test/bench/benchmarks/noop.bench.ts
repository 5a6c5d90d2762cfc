import type { Benchmark } from '../benchmark.js';
import { interleave } from '../rounds.js';

const CONCURRENCY = 50;
const WANTED = 1.5;

/** Ranges a second with nothing to do, planning and enqueueing included. */
export const noop: Benchmark = {
  name: 'noop',
  beside: 'raw BullMQ: addBulk and an empty Worker of the same concurrency',
  async run(arena) {
    const ranges = arena.size(20_000, 300);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: CONCURRENCY },
      ranges,
    });
    const queue = await arena.fork({ role: 'queue', keyPrefix: arena.keyPrefix() });
    const { ours, other, ratio, spread } = await interleave(
      arena.size(4, 1),
      async () => (ranges * 1000) / (await app.call<number>('run', 'noop')),
      async () => (ranges * 1000) / (await queue.call<number>('run', ranges, CONCURRENCY)),
    );
    return [
      {
        name: 'noop',
        ours,
        other,
        unit: 'ranges/s',
        ratio,
        target: `>= ${WANTED} of raw`,
        met: ratio >= WANTED,
        spread,
      },
    ];
  },
};
