import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillSource, IdRange } from 'nestjs-backfill';
import { Random } from '../../chaos/random.js';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'sampled-items';
const ROWS = 120;
const SAMPLE = 12;
const RUNS = 40;
const CONFIG = { batchSize: 7, attempts: 1, backoffMs: 0, perSecondOnPeak: null, perSecondOffPeak: null };
const SOURCES = {
  keyset: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
  idRange: idRange(Item, { where: { state: 'new' } }),
};

/** The probability that a sample without replacement has none of the wrong rows. */
function missProbability(wrong: number): number {
  let probability = 1;
  for (let i = 0; i < SAMPLE; i++) probability *= (ROWS - wrong - i) / (ROWS - i);
  return probability;
}

/** Runs with wrong rows at random places, and how often each row was in a sample. */
class Trials {
  wrong = new Set<number>();
  readonly sampled = new Map<number, number>();

  handler(source: BackfillSource, shape: 'batch' | 'range') {
    const becomes = (id: number) => (this.wrong.has(id) ? 'wrong' : 'done');
    return defineBackfill<IdRange<Item, number>, Item>({
      name: NAME,
      source,
      config: CONFIG,
      verify: {
        sample: SAMPLE,
        row: (row) => {
          const { id, state } = row as Item;
          this.sampled.set(id, (this.sampled.get(id) ?? 0) + 1);
          return state === 'done' || `item ${id} is ${state}`;
        },
      },
      ...(shape === 'batch'
        ? { processBatch: (rows: Item[]) => rows.forEach((row) => (row.state = becomes(row.id))) }
        : {
            processRange: async ({ where }: IdRange<Item, number>, { em }) => {
              const rows = await em.find(Item, where);
              rows.forEach((row) => (row.state = becomes(row.id)));
              await em.flush();
            },
          }),
    });
  }

  plant(random: Random, count: number): void {
    this.wrong = new Set();
    while (this.wrong.size < count) this.wrong.add(random.between(1, ROWS));
  }
}

describe.each([
  ['keyset', 'batch'],
  ['idRange', 'batch'],
  ['keyset', 'range'],
] as const)('the sample of %s with a %s handler', (source, shape) => {
  it('finds planted wrong rows as often as it promises, and chooses no row more often than another', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const random = new Random(seed);
    const trials = new Trials();
    await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
    const handler = trials.handler(SOURCES[source], shape);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    let found = 0;
    let expected = 0;
    let variance = 0;
    for (let run = 0; run < RUNS; run++) {
      const wrong = random.between(2, 20);
      trials.plant(random, wrong);
      await bench.database.query("UPDATE items SET state = 'new'");
      await backfills.start(NAME);
      const { state, verified } = await finished(NAME);
      const isFound = (verified?.mismatched ?? 0) > 0;
      expect({ state, sampled: verified?.sampled }).toEqual({
        state: isFound ? 'failed' : 'completed',
        sampled: SAMPLE,
      });
      found += isFound ? 1 : 0;
      const odds = 1 - missProbability(wrong);
      expected += odds;
      variance += odds * (1 - odds);
    }
    // Five standard deviations: a sound sample is outside of them once in millions.
    const tolerance = 5 * Math.sqrt(variance);
    const counts = `found ${found} of ${RUNS}, expected ${expected.toFixed(1)} ± ${tolerance.toFixed(1)}, seed ${seed}`;
    expect({ counts, within: Math.abs(found - expected) <= tolerance }).toEqual({ counts, within: true });

    const mean = (RUNS * SAMPLE) / ROWS;
    const chiSquare = Array.from(
      { length: ROWS },
      (_, i) => ((trials.sampled.get(i + 1) ?? 0) - mean) ** 2 / mean,
    ).reduce((sum, part) => sum + part, 0);
    const degrees = ROWS - 1;
    expect(chiSquare).toBeLessThan(degrees + 6 * Math.sqrt(2 * degrees));
  });
});
