import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import type { Benchmark } from '../benchmark.js';
import { interleave } from '../rounds.js';
import { median } from '../statistics.js';

const PER_SECOND = 10;
const WANTED = 0.9;
const MOST_BYTES = 1.2;

/** An hour of work at 10 ranges a second, planned and enqueued at once. Meanwhile a few of the first are processed. */
export const enqueue: Benchmark = {
  name: 'enqueue',
  beside: 'raw addBulk',
  async run(arena) {
    const ranges = arena.size(36_000, 500);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      ranges: ranges * 100,
      config: {
        perSecondOnPeak: PER_SECOND,
        perSecondOffPeak: PER_SECOND,
        duration: ranges / PER_SECOND,
        maxOutstanding: 100_000,
      },
    });
    const queue = await arena.fork({ role: 'queue', keyPrefix: arena.keyPrefix() });
    const bytes: { ours: number[]; raw: number[] } = { ours: [], raw: [] };
    const windows: number[] = [];
    const { ours, other, ratio, spread } = await interleave(
      arena.size(3, 1),
      async () => {
        const before = await arena.redisBytes();
        const ms = await app.call<number>('enqueue', 'noop', ranges);
        bytes.ours.push(((await arena.redisBytes()) - before) / ranges);
        await sleep(arena.size(1_500, 200));
        windows.push((await app.call<BackfillStatus>('status', 'noop')).outstanding);
        await app.call('cancel', 'noop');
        return (ranges * 1000) / ms;
      },
      async () => {
        const before = await arena.redisBytes();
        const ms = await queue.call<number>('add', ranges);
        bytes.raw.push(((await arena.redisBytes()) - before) / ranges);
        await queue.call('empty');
        return (ranges * 1000) / ms;
      },
    );
    const [mine, theirs] = [median(bytes.ours), median(bytes.raw)];
    const widest = Math.max(...windows);
    return [
      {
        name: 'enqueue',
        ours,
        other,
        unit: 'ranges/s',
        ratio,
        target: `>= ${WANTED} of raw`,
        met: ratio >= WANTED,
        spread,
      },
      {
        name: 'enqueue, memory',
        ours: mine,
        other: theirs,
        unit: 'bytes a range',
        ratio: mine / theirs,
        target: `<= ${MOST_BYTES} x raw`,
        met: mine <= MOST_BYTES * theirs,
        spread: null,
      },
      {
        name: 'enqueue, window',
        ours: widest,
        other: ranges,
        unit: 'ranges outstanding',
        ratio: widest / ranges,
        target: '<= duration x rate',
        met: widest <= ranges,
        spread: null,
      },
    ];
  },
};
