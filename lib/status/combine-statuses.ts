import { partitionName } from '../handlers/in-databases.js';
import { latestOf } from '../state/limiting-factor.js';
import type { RunStatus } from '../state/run-status.js';
import { isRunning } from '../state/run-status.js';
import type { BackfillStatus, PartitionStatus } from './backfill-status.js';
import { combineCanaries, combineVerifications } from './combine-outcomes.js';
import { IDLE_STATUS } from './idle-status.js';

/** All is completed only when each of them is, and runs as long as one of them does. */
const PRECEDENCE: readonly (RunStatus | 'idle')[] = [
  'running',
  'verifying',
  'paused',
  'failed',
  'cancelled',
  'idle',
];

type Counter = {
  [Key in keyof BackfillStatus]: BackfillStatus[Key] extends number ? Key : never;
}[keyof BackfillStatus];

/** The status of a backfill whose partitions are in several databases, from those of its partitions: at least one. */
export function combineStatuses(name: string, all: readonly BackfillStatus[]): BackfillStatus {
  const [first] = all;
  const sum = (key: Counter) => all.reduce((total, status) => total + status[key], 0);
  const state = PRECEDENCE.find((each) => all.some((status) => status.state === each)) ?? 'completed';
  const leading = all.filter((status) => status.state === state);
  const running = all.filter((status) => isRunning(status.state));
  const isHeld = running.length > 0 && running.every(({ held }) => held !== null);
  return {
    ...IDLE_STATUS,
    name,
    now: latest(all.map(({ now }) => now)) ?? '',
    description: first?.description ?? null,
    version: first?.version ?? null,
    paramsSchema: first?.paramsSchema ?? null,
    takesParams: first?.takesParams ?? false,
    params: first?.params ?? null,
    throttles: first?.throttles ?? [],
    overrides: [],
    state,
    stateSince: latest(leading.map(({ stateSince }) => stateSince)),
    stateReason: firstOf(leading.map(({ stateReason }) => stateReason)),
    pausedBy: firstOf(leading.map(({ pausedBy }) => pausedBy)),
    runId: combinedRunId(all.map(({ runId }) => runId)),
    dryRun: all.every(({ dryRun }) => dryRun),
    planned: sum('planned'),
    done: sum('done'),
    outstanding: sum('outstanding'),
    failed: sum('failed'),
    rowsDone: sum('rowsDone'),
    rowsFailed: sum('rowsFailed'),
    rowsMissing: sum('rowsMissing'),
    rowsRechecked: sum('rowsRechecked'),
    journaled: sum('journaled'),
    conflicts: sum('conflicts'),
    verified: combineVerifications(all.map(({ verified }) => verified)),
    canary: combineCanaries(all.map(({ canary }) => canary)),
    finishBy: latest(all.map(({ finishBy }) => finishBy)),
    late: latestOf(running.map(({ late }) => late)),
    rowsTotal: total(all.map(({ rowsTotal }) => rowsTotal)),
    rowsTotalKind: kindOf(all),
    percent: percentOf(all),
    rangesPerSecond: hundredths(sum('rangesPerSecond')),
    rowsPerSecond: hundredths(sum('rowsPerSecond')),
    eta: running.some(({ eta }) => eta === null) ? null : latest(running.map(({ eta }) => eta)),
    rate: { perSecond: total(all.map(({ rate }) => rate.perSecond)), reason: 'of all databases together' },
    held: isHeld ? firstOf(running.map(({ held }) => held)) : null,
    activeAt: latest(all.map(({ activeAt }) => activeAt)),
    stalled: firstOf(running.map(({ stalled }) => stalled)),
    throttlePressure: Math.max(0, ...running.map(({ throttlePressure }) => throttlePressure)),
    workers: Math.max(0, ...all.map(({ workers }) => workers)),
    warnings: all.flatMap((status) =>
      status.warnings.map((warning) => `${partitionName(name, status.name)}: ${warning}`),
    ),
    cursor: Object.fromEntries(all.map((status) => [partitionName(name, status.name), status.cursor])),
    partitions: all.map((status) => toPartition(name, status)),
    startedAt: earliest(all.map(({ startedAt }) => startedAt)),
    finishedAt: all.some(({ finishedAt }) => finishedAt === null)
      ? null
      : latest(all.map(({ finishedAt }) => finishedAt)),
    startedBy: firstOf(all.map(({ startedBy }) => startedBy)),
    reason: firstOf(all.map(({ reason }) => reason)),
    lastError: newestError(all),
  };
}

/** The ids of the newest run of each database, `-` for none; `null` where none has one. */
export function combinedRunId(ids: readonly (string | null)[]): string | null {
  return ids.every((id) => id === null) ? null : ids.map((id) => id ?? '-').join('+');
}

function toPartition(group: string, status: BackfillStatus): PartitionStatus {
  const { name, state, held, runId, cursor, rowsDone, rowsFailed, rowsTotal, percent, rowsPerSecond } =
    status;
  return {
    name: partitionName(group, name),
    cursor,
    rows: runId === null ? null : rowsDone + rowsFailed,
    rowsTotal,
    percent: runId === null ? null : percent,
    rowsPerSecond: isRunning(state) ? rowsPerSecond : null,
    backfill: name,
    state,
    held,
  };
}

/** By rows where all are known; 100 only when all have ended. */
function percentOf(all: readonly BackfillStatus[]): number {
  if (all.every(({ percent }) => percent === 100)) {
    return 100;
  }
  const rows = total(all.map(({ rowsTotal }) => rowsTotal));
  const weight = ({ rowsTotal }: BackfillStatus) => (rows === null || rows === 0 ? 1 : (rowsTotal ?? 0));
  const weights = all.reduce((sum, status) => sum + weight(status), 0);
  const through = all.reduce((sum, status) => sum + status.percent * weight(status), 0);
  return Math.min(99.9, Math.floor((10 * through) / weights) / 10);
}

function kindOf(all: readonly BackfillStatus[]): BackfillStatus['rowsTotalKind'] {
  const kinds = new Set(all.map(({ rowsTotalKind }) => rowsTotalKind));
  if (kinds.has(null)) {
    return null;
  }
  return kinds.has('estimated') ? 'estimated' : 'exact';
}

/** `null` where one of them is not known. */
function total(numbers: readonly (number | null)[]): number | null {
  return numbers.reduce((sum, each) => (sum === null || each === null ? null : sum + each), 0);
}

function newestError(all: readonly BackfillStatus[]): BackfillStatus['lastError'] {
  const errors = all.map(({ lastError }) => lastError).filter((error) => error !== null);
  return errors.toSorted((a, b) => (a.at < b.at ? 1 : -1))[0] ?? null;
}

function firstOf<T>(values: readonly (T | null)[]): T | null {
  return values.find((value) => value !== null) ?? null;
}

/** ISO times of one clock are ordered as texts. */
function latest(times: readonly (string | null)[]): string | null {
  return (
    times
      .filter((at) => at !== null)
      .toSorted()
      .at(-1) ?? null
  );
}

function earliest(times: readonly (string | null)[]): string | null {
  return times.filter((at) => at !== null).toSorted()[0] ?? null;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
