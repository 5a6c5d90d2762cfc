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
  [2, []],
  [4, []],
];
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
const ADAPTIVE = { ...UNPACED, concurrency: { min: 1, max: 16 } };
const BATCH = 1000;
/** Else the latency of a read doubles within minutes by the dead rows that it passes, and what is measured last is the worst. */
const FILL_FACTOR = 50;
/**
 * The share of requests that are slower than the bound at which the run is throttled, and held. At the 95th percentile itself
 * it is 0.05 in the long window; the lower of both windows, which is followed, is a little less.
 */
const SLOW_SHARE = { from: 0.025, to: 0.105, everyMs: 250 };
/** All that is compared is measured so often, in turn: the machine is not the same from one minute to the next. */
const ROUNDS = 4;

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

    const fixed = await start();
    const { alone, doubled, settings } = await findSettings(arena, fixed.beside);
    const byMetric = await start({ ...SLOW_SHARE, url: await traffic.call<string>('url') });
    const follow = (usual: Latency) => traffic.call('limit', times(usual, BOUND));
    await follow(alone.latency);
    const compared = await compare(arena, {
      fixed: fixed.beside,
      adaptive: byMetric.beside,
      settings,
      follow,
    });
    await arena.end(fixed.app);
    const trace = await traceChanges(arena, byMetric.beside);
    await byMetric.beside.cancel();
    await arena.end(byMetric.app);

    const byProbe = await start({ from: 1.3, to: 3, everyMs: 50 });
    await byProbe.beside.configure(ADAPTIVE);
    await byProbe.beside.start();
    const probed = await byProbe.beside.measure(arena.size(30_000, 500), arena.size(15_000, 300));
    await byProbe.beside.cancel();
    await arena.end(byProbe.app);
    writeChart(trace, compared.quiet);
    return findings({ ...compared, quietDoubled: doubled.latency, probed, trace });
  },
};

/** Measures the foreground alone, and finds what rates the parts of `PARTS` are. The run that is fixed is paused afterwards. */
async function findSettings(arena: BenchArena, beside: ForegroundArena) {
  const measure = () => beside.measure(arena.size(2_000, 100), arena.size(8_000, 300));
  const alone = await measure();
  await beside.pace(2 * TRAFFIC);
  const doubled = await measure();
  await beside.pace(TRAFFIC);
  await beside.start();
  const settings: Setting[] = [];
  for (const [concurrency, parts] of PARTS) {
    const unpaced = { name: `${concurrency} at once`, patch: { ...UNPACED, concurrency } };
    await beside.configure(unpaced.patch);
    const { rowsPerSecond } = await measure();
    settings.push(
      unpaced,
      ...parts.map((part): Setting => {
        const perSecond = Math.max(0.1, Math.round((10 * part * rowsPerSecond) / BATCH) / 10);
        return {
          name: `${concurrency} at once, ${perSecond} ranges/s`,
          patch: { concurrency, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
        };
      }),
    );
  }
  await beside.pause();
  return { alone, doubled, settings };
}

interface Contenders {
  /** A run that is paused, and `settings` for it. */
  readonly fixed: ForegroundArena;
  readonly settings: readonly Setting[];
  /** A run that has not been started, and that goes on afterwards. It follows the share of requests slower than the bound. */
  readonly adaptive: ForegroundArena;
  /** Tells what is usual, for the bound. */
  readonly follow: (usual: Latency) => Promise<unknown>;
}

interface Compared {
  /** The foreground alone, measured between the others. */
  readonly quiet: Latency;
  readonly sweep: readonly Fixed[];
  /** By a metric of the foreground. */
  readonly adaptive: Measured;
}

/** Measures the fixed settings, the foreground alone and the run that finds its concurrency in turn. */
async function compare(
  arena: BenchArena,
  { fixed, settings, adaptive, follow }: Contenders,
): Promise<Compared> {
  const settleMs = arena.size(2_000, 100);
  const rounds = {
    quiet: [] as Measured[],
    adaptive: [] as Measured[],
    fixed: settings.map((setting) => ({ setting, rounds: [] as Measured[] })),
  };
  await adaptive.configure(ADAPTIVE);
  await adaptive.start();
  await adaptive.measure(arena.size(40_000, 500), arena.size(1_000, 300));
  for (let round = 0; round < ROUNDS; round++) {
    await adaptive.pause();
    await fixed.resume();
    for (const { setting, rounds: ofSetting } of rounds.fixed) {
      await fixed.configure(setting.patch);
      ofSetting.push(await fixed.measure(settleMs, arena.size(6_000, 300)));
    }
    await fixed.pause();
    rounds.quiet.push(await fixed.measure(settleMs, arena.size(8_000, 300)));
    await follow(medianOf(rounds.quiet).latency);
    await adaptive.resume();
    rounds.adaptive.push(await adaptive.measure(arena.size(14_000, 100), arena.size(18_000, 300)));
  }
  const { latency: quiet } = medianOf(rounds.quiet);
  return {
    quiet,
    adaptive: medianOf(rounds.adaptive),
    sweep: rounds.fixed.map(({ setting, rounds: ofSetting }): Fixed => {
      const { latency, rowsPerSecond } = medianOf(ofSetting);
      return { setting, latency, rowsPerSecond, stretch: stretchOf(latency, quiet) };
    }),
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
  readonly quietDoubled: Latency;
  /** By a probe of the app. */
  readonly probed: Measured;
  readonly trace: Trace;
}

function findings({ quiet, quietDoubled, sweep, adaptive, probed, trace }: Result): Finding[] {
  const best = bestOf(sweep);
  const { bound } = best;
  // A service level is one time, however many requests there are; where more of them alone already take longer, it is of these.
  const usual = {
    read: Math.max(quiet.read, quietDoubled.read),
    update: Math.max(quiet.update, quietDoubled.update),
  };
  const fastest = Math.max(...sweep.map(({ rowsPerSecond }) => rowsPerSecond));
  const stretch = stretchOf(adaptive.latency, quiet);
  const share = adaptive.rowsPerSecond / best.rowsPerSecond;
  const within = secondsUntil(
    trace.points,
    trace.doubledAt,
    trace.stoppedAt,
    ({ latency }) => stretchOf(latency, usual) <= bound,
  );
  const atSpeed = secondsUntil(
    trace.points,
    trace.stoppedAt,
    Infinity,
    ({ rowsPerSecond }) => rowsPerSecond >= SHARE * fastest,
  );
  return [
    ...sweep.map((each) => line(`foreground, fixed, ${each.setting.name}`, each, quiet, each.stretch)),
    {
      ...line('foreground, adaptive', adaptive, quiet, stretch),
      target:
        bound === BOUND ? `<= ${BOUND}` : `<= ${bound.toFixed(2)}: no fixed setting keeps ${BOUND} here`,
      met: stretch <= bound,
      note: `${rowsText(adaptive)}; ${trace.points[0]?.reason ?? 'no controller'}`,
    },
    {
      name: 'foreground, adaptive beside the best fixed',
      ours: adaptive.rowsPerSecond,
      other: best.rowsPerSecond,
      unit: 'rows/s',
      ratio: share,
      target: `>= ${SHARE}`,
      met: share >= SHARE,
      spread: null,
      note: `${best.setting.name}, the fastest that keeps ${bound.toFixed(2)} times quiet`,
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
function writeChart({ points, doubledAt, stoppedAt }: Trace, quiet: Latency): void {
  const folder = new URL('../../../.cache/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const chart = traceChart(
    points,
    [
      { title: 'p95, times quiet', value: ({ latency }) => stretchOf(latency, quiet), bound: BOUND },
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
