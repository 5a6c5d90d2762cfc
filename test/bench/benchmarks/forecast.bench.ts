import type { BackfillForecast, ForecastRange, Rehearsal } from 'nestjs-backfill';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';

const BATCH = 500;
const PER_SECOND = 10;
const MOST_DURATION = 0.2;
const MOST_WAL = 0.15;

/** How far the forecast of a rehearsal is from what a run then takes. */
export const forecast: Benchmark = {
  name: 'forecast',
  beside: 'the run itself',
  apart: true,
  // As it is by default: each page is logged as a whole once after a checkpoint.
  settings: { full_page_writes: true },
  async run(arena) {
    const rows = arena.size(1_000_000, 20_000);
    const paced = await measure(arena, 'paced', rows, PER_SECOND);
    const unpaced = await measure(arena, 'unpaced', arena.size(200_000, 5_000), null);
    return [...paced, ...unpaced];
  },
};

async function measure(
  arena: BenchArena,
  name: string,
  rows: number,
  perSecond: number | null,
): Promise<Finding[]> {
  await fillRows(arena, rows);
  const app = await arena.fork({
    role: 'app',
    keyPrefix: arena.keyPrefix(),
    config: { batchSize: BATCH, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
  });
  try {
    const { forecast: expected } = await app.call<Rehearsal>('rehearse', 'entities');
    if (!expected) {
      throw new Error('Expected a forecast, got none');
    }
    const before = await walPosition(arena);
    const ms = await app.call<number>('run', 'entities');
    const wal = (await walPosition(arena)) - before;
    const title = `${name}, ${rows.toLocaleString('en-US')} rows`;
    return [
      finding(`${title}: duration`, 's', expected.durationMs, ms, 1000, MOST_DURATION, noteOf(expected)),
      finding(`${title}: WAL`, 'MB', expected.walBytes, wal, 1e6, MOST_WAL),
    ];
  } finally {
    await arena.end(app);
  }
}

function finding(
  name: string,
  unit: string,
  range: ForecastRange | null,
  truth: number,
  scale: number,
  most: number,
  note?: string,
): Finding {
  const forecasted = range?.expected ?? Number.NaN;
  const ratio = forecasted / truth;
  const between = range ? `from ${(range.low / scale).toFixed(1)} to ${(range.high / scale).toFixed(1)}` : '';
  return {
    name,
    ours: forecasted / scale,
    other: truth / scale,
    unit,
    ratio,
    target: `within ${most * 100} %`,
    met: Math.abs(ratio - 1) <= most,
    spread: null,
    note: [between, note].filter(Boolean).join('; '),
  };
}

function noteOf({ limitedBy, hotShare }: BackfillForecast): string {
  return `limited by ${limitedBy}, ${((hotShare ?? 0) * 100).toFixed(0)} % HOT`;
}

async function walPosition(arena: BenchArena): Promise<number> {
  const [row] = await arena.sql<{ position: string }>(
    `select (pg_current_wal_insert_lsn() - '0/0')::text as position`,
  );
  return Number(row?.position);
}
