import { resolveConfig } from '../../../lib/config/backfill-config.js';
import { parseRun } from '../../../lib/state/run-record.js';
import type { RunRecord } from '../../../lib/state/run-record.js';
import type { BackfillSample } from '../../../lib/state/sample.store.js';
import type { EtaFacts } from '../../../lib/status/run-eta.js';

export const START = Date.parse('2030-01-01T00:00:00.000Z');

/** A running run at 10 ranges a second, of 10,000 rows in ranges of 10, of which nothing is done. */
export function aRun(fields: Readonly<Record<string, string | number>> = {}): RunRecord {
  const hash = {
    id: 'r',
    name: 'work',
    status: 'running',
    startedAt: START,
    sourceKind: 'numbers',
    seq: 0,
    next: 0,
    planned: 100,
    done: 0,
    failed: 0,
    rowsDone: 0,
    rowsFailed: 0,
    progress: 0,
    rowsTotal: 10_000,
    cycle: 0,
    target: 0,
    exhausted: 0,
    interval: 100_000,
    stateSince: `running|0|${START}|0`,
    rateSince: `100000|${START}`,
    ...fields,
  };
  return parseRun(Object.fromEntries(Object.entries(hash).map(([key, value]) => [key, String(value)])));
}

/** Samples of the last minute at so many ranges a second, newest first; rows of ranges that are under way count, too. */
export function samplesAt(perSecond: number, now: number, rowsPerSecond = perSecond * 10): BackfillSample[] {
  const seconds = 60;
  return Array.from({ length: seconds + 1 }, (_, ago) => {
    const done = Math.floor((seconds - ago) * perSecond);
    return {
      at: now - ago * 1000,
      done,
      rowsDone: Math.floor((seconds - ago) * rowsPerSecond),
      rowsFailed: 0,
      outstanding: 100,
      perSecond: 10,
      concurrency: null,
    };
  });
}

export function facts(overrides: Partial<EtaFacts> = {}): EtaFacts {
  return {
    config: resolveConfig({ batchSize: 10, perSecondOnPeak: 10, perSecondOffPeak: 10 }),
    shape: 'range',
    callsPerSecond: null,
    samples: [],
    now: START,
    heldUntil: undefined,
    stalled: false,
    unmanned: false,
    ...overrides,
  };
}
