import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import type { SignalPlan } from '../bench-plan.js';
import { ForegroundArena } from '../foreground/foreground-arena.js';
import type { Measured, TracePoint } from '../foreground/foreground-arena.js';
import { stretchOf, times } from '../foreground/latency.js';
import type { Latency } from '../foreground/latency.js';
import { median } from '../statistics.js';
import { traceChart } from '../foreground/trace-chart.js';

const BOUND = 1.5;
const SHARE = 0.8;
/** Requests of the foreground a second. */
const TRAFFIC = 120;
/** Ranges at once, each without a rate, and with rates as parts of what it then reaches. */
const PARTS: readonly (readonly [number, readonly number[]])[] = [
  [1, [0.1, 0.25, 0.5, 0.75]],
  [2, [0.75]],
  [4, []],
];
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
const ADAPTIVE = { ...UNPACED, concurrency: { min: 1, max: 16 } };
const BATCH = 1000;
/** Else the latency of a read doubles within minutes by the dead rows that it passes, and what is measured last is the worst. */
const FILL_FACTOR = 50;
/**
 * The share of requests that are slower than the bound at which the run is throttled, and held. At the 95th percentile itself
 * it is 0.05; the controller settles where the pressure is 0.1 to 0.25, at 0.035 to 0.047.
 */
const SLOW_SHARE = { from: 0.027, to: 0.107, everyMs: 250 };
/** All that is compared is measured so often, in turn: the machine is not the same from one minute to the next. */
const ROUNDS = 3;

interface Setting {
  readonly name: string;
  readonly patch: object;
}

interface Fixed extends Measured {
  readonly setting: Setting;
  readonly stretch: number;
}

/** What production feels of a backfill that finds its concurrency, beside the best fixed one of a sweep. */
export const foreground: Benchmark = {
  name: 'foreground',
  beside: 'a quiet database, and the best fixed concurrency and rate',
  apart: true,
  // Servers reuse the segments of their log. A new one is filled with zeros, and all that commit wait for that.
  settings: { wal_init_zero: 'off' },
  async run(arena) {
    const rows = arena.size(1_000_000, 20_000);
    await fillRows(arena, rows, FILL_FACTOR);
    const traffic = await arena.fork({ role: 'foreground', keyPrefix: '' });
    const start = async (signal?: SignalPlan) => {
      const plan = signal === undefined ? {} : { throttled: true, signal };
      const keyPrefix = arena.keyPrefix();
      const app = await arena.fork({ role: 'app', keyPrefix, ranges: rows - BATCH, ...plan });
      const beside = new ForegroundArena(traffic, app, rows);
      await beside.pace(TRAFFIC);
      return { app, beside };
    };

    const fixedApp = await start();
    const { usual, usualDoubled, sweep } = await sweepFixed(arena, fixedApp.beside);
    const best = bestOf(sweep);

    const byMetric = await start({ ...SLOW_SHARE, url: await traffic.call<string>('url') });
    await traffic.call('limit', times(usual, best.bound));
    const compared = await compare(arena, fixedApp.beside, byMetric.beside, best);
    await arena.end(fixedApp.app);
    const trace = await traceChanges(arena, byMetric.beside);
    await byMetric.beside.cancel();
    await arena.end(byMetric.app);

    const byProbe = await start({ from: 1.3, to: 3, everyMs: 50 });
    await byProbe.beside.configure(ADAPTIVE);
    await byProbe.beside.start();
    const probed = await byProbe.beside.measure(arena.size(30_000, 500), arena.size(15_000, 300));
    await byProbe.beside.cancel();
    await arena.end(byProbe.app);
    writeChart(trace, usual, best.bound);
    return findings({ usual, usualDoubled, sweep, best, ...compared, probed, trace });
  },
};

/** Measures fixed settings, and the foreground alone, in turn. */
async function sweepFixed(arena: BenchArena, beside: ForegroundArena) {
  const [settleMs, measureMs] = [arena.size(2_000, 100), arena.size(8_000, 300)];
  const measure = () => beside.measure(settleMs, measureMs);
  const atOnce = (concurrency: number): Setting => ({
    name: `${concurrency} at once`,
    patch: { ...UNPACED, concurrency },
  });
  const alone = await measure();
  await beside.pace(2 * TRAFFIC);
  const doubled = await measure();
  await beside.pace(TRAFFIC);
  const settings: Setting[] = [];
  for (const [concurrency, parts] of PARTS) {
    await beside.configure(atOnce(concurrency).patch);
    await (settings.length === 0 ? beside.start() : Promise.resolve());
    const { rowsPerSecond } = await measure();
    settings.push(
      atOnce(concurrency),
      ...parts.map((part): Setting => {
        const perSecond = Math.max(0.1, Math.round((10 * part * rowsPerSecond) / BATCH) / 10);
        return {
          name: `${concurrency} at once, ${perSecond} ranges/s`,
          patch: { concurrency, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
        };
      }),
    );
  }
  const quiets = [alone];
  const measured = settings.map((setting) => ({ setting, rounds: [] as Measured[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { setting, rounds } of measured) {
      await beside.configure(setting.patch);
      rounds.push(await measure());
    }
    await beside.pause();
    quiets.push(await measure());
    await beside.resume();
  }
  await beside.pause();
  const { latency: usual } = medianOf(quiets);
  return {
    usual,
    usualDoubled: doubled.latency,
    sweep: measured.map(({ setting, rounds }): Fixed => {
      const { latency, rowsPerSecond: speed } = medianOf(rounds);
      return { setting, latency, rowsPerSecond: speed, stretch: stretchOf(latency, usual) };
    }),
  };
}

interface Compared {
  /** The foreground alone, measured between the others. */
  readonly quiet: Latency;
  readonly fixed: Measured;
  /** By a metric of the foreground. */
  readonly adaptive: Measured;
}

/** Measures the best fixed setting, the adaptive one and the foreground alone in turn. The adaptive run goes on afterwards. */
async function compare(
  arena: BenchArena,
  fixed: ForegroundArena,
  adaptive: ForegroundArena,
  best: Best,
): Promise<Compared> {
  const [settleMs, measureMs] = [arena.size(4_000, 100), arena.size(15_000, 300)];
  const rounds = { quiet: [] as Measured[], fixed: [] as Measured[], adaptive: [] as Measured[] };
  await fixed.configure(best.setting.patch);
  await adaptive.configure(ADAPTIVE);
  await adaptive.start();
  await adaptive.measure(arena.size(40_000, 500), arena.size(1_000, 300));
  for (let round = 0; round < ROUNDS; round++) {
    rounds.adaptive.push(await adaptive.measure(settleMs, measureMs));
    await adaptive.pause();
    await fixed.resume();
    rounds.fixed.push(await fixed.measure(settleMs, measureMs));
    await fixed.pause();
    rounds.quiet.push(await fixed.measure(settleMs, measureMs));
    await adaptive.resume();
  }
  return {
    quiet: medianOf(rounds.quiet).latency,
    fixed: medianOf(rounds.fixed),
    adaptive: medianOf(rounds.adaptive),
  };
}

function medianOf(rounds: readonly Measured[]): Measured {
  const of = (value: (round: Measured) => number) => median(rounds.map(value));
  return {
    latency: { read: of(({ latency }) => latency.read), update: of(({ latency }) => latency.update) },
    rowsPerSecond: of(({ rowsPerSecond }) => rowsPerSecond),
  };
}

/** The fastest fixed setting that keeps a bound. */
interface Best extends Fixed {
  /** The one that is asked for, or where no setting keeps that, the lowest one that any keeps. */
  readonly bound: number;
}

function bestOf(sweep: readonly Fixed[]): Best {
  const bound = Math.max(BOUND, Math.min(...sweep.map(({ stretch }) => stretch)));
  const kept = sweep.filter(({ stretch }) => stretch <= bound);
  const [best] = kept.toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond);
  if (!best) {
    throw new Error('Expected a foreground that was measured beside each setting');
  }
  return { ...best, bound };
}

interface Trace {
  readonly points: readonly TracePoint[];
  readonly doubledAt: number;
  readonly stoppedAt: number;
}

/** The foreground doubles, and stops later on. */
async function traceChanges(arena: BenchArena, beside: ForegroundArena): Promise<Trace> {
  const periodMs = arena.size(1_000, 50);
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const points = await beside.trace(arena.size(20, 3), periodMs, began);
  await beside.pace(2 * TRAFFIC);
  const doubledAt = seconds();
  points.push(...(await beside.trace(arena.size(40, 3), periodMs, began)));
  await beside.pace(0);
  const stoppedAt = seconds();
  points.push(...(await beside.trace(arena.size(75, 3), periodMs, began)));
  return { points, doubledAt, stoppedAt };
}

interface Result extends Compared {
  /** The foreground alone, during the sweep. */
  readonly usual: Latency;
  readonly usualDoubled: Latency;
  readonly sweep: readonly Fixed[];
  readonly best: Best;
  /** By a probe of the app. */
  readonly probed: Measured;
  readonly trace: Trace;
}

function findings(result: Result): Finding[] {
  const { usual, usualDoubled, quiet, sweep, best, fixed, adaptive, probed, trace } = result;
  // Measured again beside the adaptive one: of settings that are alike, the sweep takes the one that had luck.
  const bound = Math.max(best.bound, stretchOf(fixed.latency, quiet));
  const isReached = bound === BOUND;
  const fastest = Math.max(...sweep.map(({ rowsPerSecond }) => rowsPerSecond));
  const stretch = stretchOf(adaptive.latency, quiet);
  const share = adaptive.rowsPerSecond / fixed.rowsPerSecond;
  const within = secondsUntil(
    trace.points,
    trace.doubledAt,
    trace.stoppedAt,
    ({ latency }) => stretchOf(latency, usualDoubled) <= bound,
  );
  const atSpeed = secondsUntil(
    trace.points,
    trace.stoppedAt,
    Infinity,
    ({ rowsPerSecond }) => rowsPerSecond >= SHARE * fastest,
  );
  return [
    ...sweep.map((each) => line(`foreground, fixed, ${each.setting.name}`, each, usual, each.stretch)),
    line(`foreground, best fixed: ${best.setting.name}`, fixed, quiet, stretchOf(fixed.latency, quiet)),
    {
      ...line('foreground, adaptive', adaptive, quiet, stretch),
      target: isReached ? `<= ${BOUND}` : `<= ${bound.toFixed(2)}: no fixed setting keeps ${BOUND} here`,
      met: stretch <= bound,
      note: `${rowsText(adaptive)}; ${trace.points[0]?.reason ?? 'no controller'}`,
    },
    {
      name: 'foreground, adaptive beside the best fixed',
      ours: adaptive.rowsPerSecond,
      other: fixed.rowsPerSecond,
      unit: 'rows/s',
      ratio: share,
      target: `>= ${SHARE}`,
      met: share >= SHARE,
      spread: null,
      note: `${best.setting.name}, the fastest of the sweep that keeps ${best.bound.toFixed(2)} times quiet`,
    },
    line('foreground, adaptive by a probe alone', probed, quiet, stretchOf(probed.latency, quiet)),
    seconds('foreground doubles, back within the bound', within, 3),
    seconds('foreground stops, back at speed', atSpeed, 60),
  ];
}

/** Seconds from a change until a period for which something holds, and for the one after it. */
function secondsUntil(
  points: readonly TracePoint[],
  from: number,
  to: number,
  holds: (point: TracePoint) => boolean,
): number {
  const after = points.filter(({ at }) => at > from && at <= to);
  const index = after.findIndex((point, i) => holds(point) && holds(after[i + 1] ?? point));
  return (after[index]?.at ?? Number.NaN) - from;
}

function line(name: string, { latency, rowsPerSecond }: Measured, quiet: Latency, stretch: number): Finding {
  const worse = latency.read / quiet.read > latency.update / quiet.update ? 'read' : 'update';
  return {
    name,
    ours: latency[worse],
    other: quiet[worse],
    unit: `ms (p95, ${worse})`,
    ratio: stretch,
    target: 'none: to know',
    met: true,
    spread: null,
    note: rowsText({ rowsPerSecond }),
  };
}

function rowsText({ rowsPerSecond }: Pick<Measured, 'rowsPerSecond'>): string {
  return `${Math.round(rowsPerSecond).toLocaleString('en-US')} rows/s`;
}

function seconds(name: string, measured: number, most: number): Finding {
  return {
    name,
    ours: measured,
    other: null,
    unit: 's',
    ratio: null,
    target: `<= ${most}`,
    met: measured <= most,
    spread: null,
    note: Number.isNaN(measured) ? 'not within the time that was measured' : '',
  };
}

/** Also the trace itself, as JSON: the controller is tuned with recorded signals. */
function writeChart({ points, doubledAt, stoppedAt }: Trace, quiet: Latency, bound: number): void {
  const folder = new URL('../../../.cache/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const chart = traceChart(
    points,
    [
      { title: 'p95, times quiet', value: ({ latency }) => stretchOf(latency, quiet), bound },
      { title: 'rows/s', value: ({ rowsPerSecond }) => rowsPerSecond },
      { title: 'concurrency', value: ({ concurrency }) => concurrency },
    ],
    [
      { at: doubledAt, text: 'foreground doubles' },
      { at: stoppedAt, text: 'foreground stops' },
    ],
  );
  writeFileSync(new URL('foreground.svg', folder), chart);
  writeFileSync(new URL('foreground.json', folder), JSON.stringify(points));
  console.log(`chart: ${fileURLToPath(new URL('foreground.svg', folder))}`);
}
