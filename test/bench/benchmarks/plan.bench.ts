import { fillWalk, SPARSE } from '../bench-tables.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { median, spread } from '../statistics.js';

const CYCLE_ROWS = 10_000;
const MOST_GROWTH = 1.2;
const MOST_MS = 10;
const MOST_OF_STATEMENT = 1.1;
const ROUNDS = 6;

type Places = readonly [start: unknown, middle: unknown, end: unknown];
type Planner = Awaited<ReturnType<BenchArena['fork']>>;

/** Time to plan a cycle of 100 ranges of 100 rows, wherever in a large table. */
export const plan: Benchmark = {
  name: 'plan',
  beside: 'OFFSET, and idRange, on the same table',
  async run(arena) {
    const rows = arena.size(10_000_000, 100_000);
    await fillWalk(arena, rows);
    const planner = await arena.fork({ role: 'planner', keyPrefix: '' });
    const cycles = arena.size(10, 2);
    const offsets = [0, Math.floor(rows / 2), rows - CYCLE_ROWS * (cycles + 1)] as const;
    const keys = await Promise.all(
      offsets.map(
        async (offset) =>
          (
            await arena.sql(`SELECT id, created_at FROM bench_walk ORDER BY id OFFSET ${offset} LIMIT 1`)
          )[0] ?? {},
      ),
    );
    const ids = keys.map(({ id }) => ({ id }));
    const pairs = keys.map((key) => ({
      createdAt: (key['created_at'] as Date).toISOString(),
      id: key['id'],
    }));
    return [
      ...(await depth(planner, 'id', ids as unknown as Places, 'id', offsets, cycles)),
      ...(await depth(planner, 'composite', pairs as unknown as Places, 'created_at, id', offsets, cycles)),
      await strides(planner, cycles),
    ];
  },
};

async function depth(
  planner: Planner,
  source: string,
  places: Places,
  order: string,
  offsets: readonly [number, number, number],
  cycles: number,
): Promise<Finding[]> {
  const paged = await mapSequentially(offsets, (offset) => planner.call<number>('offset', order, offset));
  await planner.call('cycles', source, places[0], cycles);
  const rounds: (readonly [first: number, middle: number, last: number])[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // The machine's own speed drifts: the places take turns, from either side.
    const turns = round % 2 === 0 ? places : places.toReversed();
    const times = await mapSequentially(turns, async (place) =>
      median(await planner.call<number[]>('cycles', source, place, cycles)),
    );
    const [first = 0, middle = 0, last = 0] = round % 2 === 0 ? times : times.toReversed();
    rounds.push([first, middle, last]);
    bare.push(median(await planner.call<number[]>('bare', order, cycles)));
  }
  const [first, middle, last] = [0, 1, 2].map((place) =>
    median(rounds.map((times) => times[place] ?? 0)),
  ) as [number, number, number];
  const growths = rounds.map(([start, , end]) => end / start);
  const growth = median(growths);
  const slowest = Math.max(first, middle, last);
  const note = `start ${ms(first)}, middle ${ms(middle)}, end ${ms(last)}`;
  // The statement alone takes the first cycle.
  const overhead = rounds.map(([start], i) => start / (bare[i] ?? 0));
  const share = median(overhead);
  return [
    {
      name: `plan ${source}, last to first`,
      ours: last,
      other: first,
      unit: 'ms a cycle',
      ratio: growth,
      target: `<= ${MOST_GROWTH} x the first cycle`,
      met: growth <= MOST_GROWTH,
      spread: spread(growths),
      note,
    },
    {
      name: `plan ${source}`,
      ours: slowest,
      other: paged[2] ?? 0,
      unit: 'ms a cycle',
      ratio: slowest / (paged[2] ?? 0),
      target: `<= ${MOST_MS} ms a cycle`,
      met: slowest <= MOST_MS,
      spread: null,
      note: `OFFSET at the start ${ms(paged[0])}, middle ${ms(paged[1])}, end ${ms(paged[2])}`,
    },
    {
      name: `plan ${source}, beside the statement`,
      ours: first,
      other: median(bare),
      unit: 'ms a cycle',
      ratio: share,
      target: `<= ${MOST_OF_STATEMENT} x the statement alone`,
      met: share <= MOST_OF_STATEMENT,
      spread: spread(overhead),
    },
  ];
}

async function strides(planner: Planner, cycles: number): Promise<Finding> {
  const stride = median(await planner.call<number[]>('cycles', 'stride', null, cycles));
  const exact = median(await planner.call<number[]>('cycles', 'id', null, cycles));
  return {
    name: 'plan, beside idRange',
    ours: exact,
    other: stride,
    unit: 'ms a cycle',
    ratio: exact / stride,
    target: 'none: to compare',
    met: true,
    spread: null,
    note: `the same rows take ${SPARSE} times as many ranges of idRange`,
  };
}

async function mapSequentially<In, Out>(
  items: readonly In[],
  step: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const answers: Out[] = [];
  for (const item of items) {
    answers.push(await step(item));
  }
  return answers;
}

function ms(value = 0): string {
  return `${value.toFixed(1)} ms`;
}
