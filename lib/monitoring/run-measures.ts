import { isRunning } from '../state/run-status.js';
import type { BackfillStatus } from '../status/backfill-status.js';
import { DATABASE_UNREACHABLE, LIBRARY } from '../supervision/run.breaker.js';

/** A value of a run that is exported for all processes together. */
export interface RunMeasure {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** Whether values of several backfills can be added up: an `UpDownCounter` of OpenTelemetry, else a `Gauge`. */
  readonly additive: boolean;
  /** Always a number: of what is not observed, SDKs may repeat the last value. */
  readonly value: (status: BackfillStatus) => number;
}

const STATES: readonly BackfillStatus['state'][] = [
  'idle',
  'running',
  'paused',
  'verifying',
  'completed',
  'failed',
  'cancelled',
];

/** 1 for the state in which a run is, and 0 for the others: the attribute `backfill.run.state`. */
export const RUN_STATUS = {
  name: 'backfill.run.status',
  unit: '{run}',
  description: 'Whether the run is in a state; 0 for all other states',
  states: STATES,
};

/** Of the active run of a backfill, else of its newest. */
export const RUN_MEASURES: readonly RunMeasure[] = [
  sum(
    'paused_by_library',
    '{run}',
    'Whether the library has paused the run by itself, but for a canary that has passed',
    (status) => (isPausedForTrouble(status) ? 1 : 0),
  ),
  sum(
    'held',
    '{run}',
    'Whether a hold of all runs, the config, a throttle or a third party lets no range of the run start',
    (status) => (isHeldOnPurpose(status) ? 1 : 0),
  ),
  sum(
    'stalled',
    '{run}',
    'Whether the run should progress and does not, while nothing holds it',
    ({ stalled }) => (stalled === null ? 0 : 1),
  ),
  sum(
    'budget_limited',
    '{run}',
    'Whether the budget that all runs share is used up and limits the run',
    ({ budget }) => (budget === null ? 0 : 1),
  ),
  gauge('progress', '1', 'Progress of the run, from 0 to 1', ({ percent }) => percent / 100),
  sum('row.expected', '{row}', 'Rows of the run, counted or estimated', ({ rowsTotal }) => rowsTotal ?? 0),
  sum('row.done', '{row}', 'Rows of the run that are done', ({ rowsDone }) => rowsDone),
  sum('row.failed', '{row}', 'Rows of the run that used up their attempts', ({ rowsFailed }) => rowsFailed),
  sum(
    'row.missing',
    '{row}',
    'Rows of the run that were planned, not loaded, and not known to be gone',
    ({ rowsMissing }) => rowsMissing,
  ),
  sum(
    'row.rechecked',
    '{row}',
    'Times that rows of the run were handled again because others wrote or locked them',
    ({ rowsRechecked }) => rowsRechecked,
  ),
  sum('range.done', '{range}', 'Ranges of the run that are done', ({ done }) => done),
  sum('range.outstanding', '{range}', 'Ranges planned and not settled yet', (status) => status.outstanding),
  sum('range.failed', '{range}', 'Ranges of the run that used up their attempts', ({ failed }) => failed),
  gauge(
    'rate',
    '{range}/s',
    'Rate in force; 0 while nothing may start, and while it is unpaced',
    ({ rate }) => rate.perSecond ?? 0,
  ),
  gauge(
    'concurrency',
    '{slot}',
    'Ranges, or rows of a row handler, at once in each process, where that is being found; else 0',
    ({ concurrency }) => concurrency?.value ?? 0,
  ),
  gauge(
    'lag',
    's',
    'Time to process the outstanding ranges at the throughput of the last minute; 0 while that is unknown',
    ({ outstanding, rangesPerSecond }) => (rangesPerSecond > 0 ? outstanding / rangesPerSecond : 0),
  ),
  gauge(
    'throttle.pressure',
    '1',
    'Highest pressure of the throttles: 0 leaves the rate as it is, 1 holds the run',
    ({ throttlePressure }) => throttlePressure,
  ),
  gauge(
    'late',
    's',
    'Time after `finishBy` at which the run is expected to end, at the least; 0 where it is expected to end in time',
    ({ late }) => (late?.by ?? 0) / 1000,
  ),
  sum(
    'worker.count',
    '{process}',
    'Processes with workers for a run that is running',
    ({ state, workers }) => (isRunning(state) ? workers : 0),
  ),
  sum(
    'verification.left',
    '{row}',
    'Rows that the verification of the run found to match the filter of the source',
    ({ verified }) => verified?.left ?? 0,
  ),
  sum(
    'verification.swept',
    '{row}',
    'Rows that the sweeps of the run processed',
    ({ verified }) => verified?.swept ?? 0,
  ),
  sum(
    'verification.sampled',
    '{row}',
    'Rows of the sample of the run that were verified',
    ({ verified }) => verified?.sampled ?? 0,
  ),
  sum(
    'verification.mismatched',
    '{row}',
    'Rows of the sample of the run that are wrong',
    ({ verified }) => verified?.mismatched ?? 0,
  ),
];

/** The pause after a canary that has passed was asked for. */
function isPausedForTrouble({ state, pausedBy, stateReason, canary }: BackfillStatus): boolean {
  const isPassed = canary?.state === 'passed' && canary.verdict?.reason === stateReason;
  return state === 'paused' && pausedBy === LIBRARY && !isPassed;
}

/** An outage of the database holds the run, too, and is what an operator has to learn of. */
function isHeldOnPurpose({ state, rate }: BackfillStatus): boolean {
  return isRunning(state) && rate.perSecond === 0 && !rate.reason.startsWith(DATABASE_UNREACHABLE);
}

function sum(name: string, unit: string, description: string, value: RunMeasure['value']): RunMeasure {
  return { name: `backfill.run.${name}`, unit, description, additive: true, value };
}

function gauge(name: string, unit: string, description: string, value: RunMeasure['value']): RunMeasure {
  return { name: `backfill.run.${name}`, unit, description, additive: false, value };
}
