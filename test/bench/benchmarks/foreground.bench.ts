import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import type { SignalPlan } from '../bench-plan.js';
import { ForegroundArena } from '../foreground/foreground-arena.js';
import type { Measured, TracePoint } from '../foreground/foreground-arena.js';
import { compared, medianOf, stretchesDoubled, summaryOf } from '../foreground/foreground-round.js';
import type { Compared, ForegroundRound } from '../foreground/foreground-round.js';
import { meanOf, stretchOf, times } from '../foreground/latency.js';
import type { Latency } from '../foreground/latency.js';
import { writeChart } from '../foreground/write-chart.js';
import { median, spread } from '../statistics.js';

const BOUND = 1.5;
const SHARE = 0.8;
/** Requests of the foreground a second. */
const TRAFFIC = 30;
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
 * it is 0.05 in the long window. What is followed is the lower of both windows, and needs room for what it does not see.
 */
const SLOW_SHARE = { from: 0.015, to: 0.07, everyMs: 250 };
/**
 * All that is compared is measured so often, in turn, and each time in another order: the machine is not the same from one minute
 * to the next, and what comes before leaves dirty pages. A ratio is the median of those of the rounds, each with what its own
 * round measured.
 */
const ROUNDS = 5;
/** A setting that is beyond so many times quiet in the first round is measured in no other. */
const HOPELESS = 2 * BOUND;
/** The run that finds its concurrency is to be back at its speed a minute after a change: what is compared is where it settles. */
const SETTLE_MS = 60_000;

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
    const { alone, settings } = await findSettings(arena, fixed.beside);
    const byMetric = await start({ ...SLOW_SHARE, url: await traffic.call<string>('url') });
    const follow = (usual: Latency) => traffic.call('limit', times(usual, BOUND));
    await follow(alone);
    const contenders = { fixed: fixed.beside, adaptive: byMetric.beside, settings, follow };
    const rounds = await compare(arena, contenders);
    await arena.end(fixed.app);
    await byMetric.beside.pace(0);
    const stopped = await byMetric.beside.trace(arena.size(75, 3), arena.size(1_000, 50));
    await byMetric.beside.cancel();
    await arena.end(byMetric.app);

    const byProbe = await start({ from: 1.3, to: 3, everyMs: 50 });
    await byProbe.beside.configure(ADAPTIVE);
    await byProbe.beside.start();
    const probed = await byProbe.beside.measure(arena.size(30_000, 500), arena.size(15_000, 300));
    await byProbe.beside.cancel();
    await arena.end(byProbe.app);
    writeChart(rounds, stopped, BOUND);
    return findings({ settings, rounds, stopped, probed });
  },
};

/** Measures the foreground alone, and finds what rates the parts of `PARTS` are. The run that is fixed is paused afterwards. */
async function findSettings(arena: BenchArena, beside: ForegroundArena) {
  const measure = () => beside.measure(arena.size(2_000, 100), arena.size(8_000, 300));
  const { latency: alone } = await measure();
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
  return { alone, settings };
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

/** Measures the fixed settings, the foreground alone and the run that finds its concurrency in turn. */
async function compare(arena: BenchArena, contenders: Contenders): Promise<readonly ForegroundRound[]> {
  const { fixed, adaptive, follow } = contenders;
  const settleMs = arena.size(2_000, 100);
  const quiet = () => fixed.measure(settleMs, arena.size(10_000, 1_000)).then(({ latency }) => latency);
  const periodMs = arena.size(1_000, 50);
  await adaptive.configure(ADAPTIVE);
  await adaptive.start();
  await adaptive.measure(arena.size(40_000, 500), arena.size(1_000, 300));
  const rounds: ForegroundRound[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await adaptive.pause();
    const before = await quiet();
    await fixed.resume();
    const ofSettings = await measureEach(arena, contenders, rounds);
    await fixed.pause();
    await fixed.pace(2 * TRAFFIC);
    const quietDoubled = await quiet();
    await fixed.pace(TRAFFIC);
    const usual = meanOf(before, await quiet());
    await follow(medianOf([...rounds.map((each) => each.quiet), usual]));
    await adaptive.resume();
    await sleep(arena.size(SETTLE_MS, 100));
    const steady = await adaptive.trace(arena.size(20, 3), periodMs);
    await adaptive.pace(2 * TRAFFIC);
    const doubled = await adaptive.trace(arena.size(20, 3), periodMs);
    await adaptive.pace(TRAFFIC);
    rounds.push({ quiet: usual, quietDoubled, fixed: ofSettings, adaptive: steady, doubled });
  }
  return rounds;
}

/** Each setting that may keep the bound, and each time another one first. */
async function measureEach(
  arena: BenchArena,
  { fixed, settings }: Contenders,
  before: readonly ForegroundRound[],
): Promise<readonly (Measured | null)[]> {
  const measured = new Map<Setting, Measured>();
  const first = before.length % settings.length;
  for (const setting of [...settings.slice(first), ...settings.slice(0, first)]) {
    if (!isHopeless(before, settings.indexOf(setting))) {
      await fixed.configure(setting.patch);
      measured.set(setting, await fixed.measure(arena.size(2_000, 100), arena.size(6_000, 300)));
    }
  }
  return settings.map((setting) => measured.get(setting) ?? null);
}

function isHopeless([first]: readonly ForegroundRound[], setting: number): boolean {
  const measured = first?.fixed[setting];
  return first !== undefined && !!measured && stretchOf(measured.latency, first.quiet) > HOPELESS;
}

interface Result {
  readonly settings: readonly Setting[];
  readonly rounds: readonly ForegroundRound[];
  /** Each second after the foreground has stopped. */
  readonly stopped: readonly TracePoint[];
  /** The run that finds its concurrency by a probe of the app. */
  readonly probed: Measured;
}

interface Fixed extends Compared {
  readonly setting: Setting;
}

/** The fastest fixed setting that keeps a bound. */
interface Best extends Fixed {
  /** The one that is asked for, or where no setting keeps that, the lowest one that any keeps. */
  readonly bound: number;
}

function bestOf(all: readonly Fixed[]): Best {
  // A measurement without requests, as one of the tiny size on a busy machine may be, has no latency.
  const sweep = all.filter(({ stretch }) => !Number.isNaN(stretch));
  const bound = Math.max(BOUND, Math.min(...sweep.map(({ stretch }) => stretch)));
  const kept = sweep.filter(({ stretch }) => stretch <= bound);
  const [best] = kept.toSorted((a, b) => b.rowsPerSecond - a.rowsPerSecond);
  if (!best) {
    throw new Error('Expected a foreground that was measured beside each setting');
  }
  return { ...best, bound };
}

function findings({ settings, rounds, stopped, probed }: Result): Finding[] {
  const quiet = medianOf(rounds.map((round) => round.quiet));
  const sweep = settings.map((setting, i): Fixed => {
    const measured = compared(rounds, (round) => round.fixed[i] ?? null);
    return { setting, ...measured };
  });
  const best = bestOf(sweep);
  const { bound } = best;
  const adaptive = compared(rounds, (round) => summaryOf(round.adaptive));
  const share = adaptive.rowsPerSecond / best.rowsPerSecond;
  const fastest = Math.max(...sweep.map(({ rowsPerSecond }) => rowsPerSecond));
  return [
    ...sweep.map((each) => line(`foreground, fixed, ${each.setting.name}`, each, quiet)),
    {
      ...line('foreground, adaptive', adaptive, quiet),
      target:
        bound === BOUND ? `<= ${BOUND}` : `<= ${bound.toFixed(2)}: no fixed setting keeps ${BOUND} here`,
      met: adaptive.stretch <= bound,
    },
    {
      name: 'foreground, adaptive beside the best fixed',
      ours: adaptive.rowsPerSecond,
      other: best.rowsPerSecond,
      unit: 'rows/s',
      ratio: share,
      target: `>= ${SHARE}`,
      met: share >= SHARE,
      spread: spread(rounds.map((round) => summaryOf(round.adaptive).rowsPerSecond)),
      note: `${best.setting.name}, the fastest that keeps ${bound.toFixed(2)} times quiet`,
    },
    line(
      'foreground, adaptive by a probe alone',
      { ...probed, stretch: stretchOf(probed.latency, quiet) },
      quiet,
    ),
    seconds('foreground doubles, back within the bound', secondsUntilWithin(rounds, bound), 3),
    seconds('foreground stops, back at speed', secondsUntilSpeed(stopped, SHARE * fastest), 60),
  ];
}

/** Seconds from the change until the median of the rounds is within the bound. */
function secondsUntilWithin(rounds: readonly ForegroundRound[], bound: number): number {
  const stretches = rounds.map(stretchesDoubled);
  const within = stretches[0]?.findIndex(
    (_, second) => median(stretches.map((ofRound) => ofRound[second] ?? Number.NaN)) <= bound,
  );
  return within === undefined || within === -1 ? Number.NaN : within;
}

/** Seconds until two in turn are as fast as that. */
function secondsUntilSpeed(points: readonly TracePoint[], fast: number): number {
  const index = points.findIndex((_, i) =>
    points.slice(i, i + 2).every(({ rowsPerSecond }) => rowsPerSecond >= fast),
  );
  return index === 0 ? 0 : (points[index - 1]?.at ?? Number.NaN);
}

function line(name: string, { latency, rowsPerSecond, stretch }: Compared, quiet: Latency): Finding {
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
    note: `${Math.round(rowsPerSecond).toLocaleString('en-US')} rows/s`,
  };
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
