import type { BackfillKeys, StagedKeys } from '../backfill-keys.js';
import { LuaScript } from '../lua-script.js';

/** The run whose keys a script takes. */
export interface RunScope {
  readonly runId: string;
}

/** A run and its backfill. */
export interface BackfillRunScope extends RunScope {
  readonly backfill: string;
}

/** The budget of a context, and the table of a run. */
export interface BudgetScope {
  readonly context: string;
  /** Empty where it is not known. */
  readonly table: string;
}

/** Calls of the budget to a third party. */
export interface CallsScope extends RunScope {
  readonly context: string;
  /** Of the third party. */
  readonly name: string;
}

/** What the start of a run takes. */
export interface StartScope extends BackfillRunScope {
  /** Empty where the request has none. */
  readonly idempotencyKey: string;
}

/** What the recovery of a run takes. */
export interface RecoverScope extends BackfillRunScope {
  readonly staged: StagedKeys;
}

/** Stands for a run where a script needs none: its keys do not exist. */
const NO_RUN: RunScope = { runId: '' };

/** The first KEYS of every script, in the order of `prelude.lua`. */
function runKeys(keys: BackfillKeys, { runId }: RunScope): string[] {
  return [
    keys.run(runId),
    keys.work(runId),
    keys.failures(runId),
    keys.failureOrder(runId),
    keys.events,
    keys.active,
  ];
}

function quotaKeys(keys: BackfillKeys, scope: BackfillRunScope): string[] {
  return [...runKeys(keys, scope), keys.quota(scope.backfill)];
}

function retriedKeys(keys: BackfillKeys, scope: RunScope): string[] {
  return [...runKeys(keys, scope), keys.retried(scope.runId)];
}

function sampleKeys(keys: BackfillKeys, scope: RunScope): string[] {
  return [...runKeys(keys, scope), keys.sample(scope.runId)];
}

function workersKeys(keys: BackfillKeys, scope: BackfillRunScope): string[] {
  return [...runKeys(keys, scope), keys.workers(scope.backfill)];
}

function budgetKeys(keys: BackfillKeys, { context, table }: BudgetScope): string[] {
  return [keys.budgetQueue(context), ...keys.budgetPermits(context), ...keys.budgetTable(context, table)];
}

/** The parts of scripts that know the budget. */
const BUDGET_PARTS = ['gcra', 'fair-queue', 'budget'];

type Flag = 0 | 1;

/** What `tick.lua` reads of a run for its supervision; nothing where that is not for this process now. */
export type SupervisedReply =
  | []
  | [
      error: string,
      run: string[],
      outstanding: number,
      config: string[] | string,
      quota: (string | null)[],
      highest: string,
      reason: string,
      throttle: string,
      unknown: Flag,
      byQuota: Flag,
      workedOn: Flag,
    ];

/** What `tick.lua` replies of an active run. */
export type ActiveRunReply = [
  backfill: string,
  runId: string,
  status: string,
  resumes: number,
  hasLease: Flag,
  maySupervise: Flag,
  quietMs: number,
  isStalled: Flag,
  hasFinishBy: Flag,
  interval: string,
  supervised: SupervisedReply,
];

/** What `overview.lua` reads of a backfill; its name alone where Redis has nothing of it. */
export type BackfillReply = ReadBackfill | [name: string];

export type ReadBackfill = [
  name: string,
  full: Flag,
  error: string,
  runId: string,
  /** JSON. */
  run: string,
  samples: string,
  heartbeats: string[],
  config: string[] | string,
  quota: (string | null)[],
  throttleErrors: string[],
  overrides: string[],
];

/** The answer to a request for calls. */
export type QuotaReply =
  | [status: 'stopped' | 'unlimited']
  | [status: 'wait', ms: number]
  | [status: 'granted', interval: number, now: number, until: number, ...waits: number[]];

/** Index and job suffix of each range, by turns. */
type Placed = (string | number)[];

/**
 * Each script with its KEYS and the type of its reply. The header of the `.lua` file describes the reply and ARGV,
 * which the stores make from the types of the domain.
 */
export const scripts = {
  ack: new LuaScript<RunScope, [counted: number, low: Flag, status: string]>('ack', runKeys),
  ackRows: new LuaScript<RunScope, Flag>('ack-rows', runKeys),
  addProgressSample: new LuaScript<RunScope, Flag>('add-progress-sample', (keys, scope) => [
    ...runKeys(keys, scope),
    keys.samples(scope.runId),
    ...keys.sampleLevels(scope.runId),
  ]),
  addSample: new LuaScript<RunScope, string | null>('add-sample', sampleKeys),
  applyRate: new LuaScript<BackfillRunScope, Flag>('apply-rate', workersKeys),
  beat: new LuaScript<BackfillRunScope, Flag>('beat', workersKeys),
  budgetCalls: new LuaScript<CallsScope, QuotaReply>(
    'budget-calls',
    (keys, scope) => [...runKeys(keys, scope), ...keys.budgetCalls(scope.context, scope.name)],
    ['call-rate', 'fair-queue'],
  ),
  budgetUse: new LuaScript<BudgetScope, [now: number, ranges: number, ...runs: (string | number)[]]>(
    'budget-use',
    (keys, scope) => [...runKeys(keys, NO_RUN), ...budgetKeys(keys, scope)],
    BUDGET_PARTS,
  ),
  claim: new LuaScript<
    RunScope & Partial<BudgetScope>,
    [
      status: 'granted' | 'stopped' | 'held' | 'later' | 'budget',
      ms: number | string | null,
      ...answers: string[],
    ]
  >(
    'claim',
    (keys, { context = '', table = '', ...scope }) => [
      ...runKeys(keys, scope),
      ...budgetKeys(keys, { context, table }),
    ],
    BUDGET_PARTS,
  ),
  configure: new LuaScript<BackfillRunScope, [set: Flag, version: string]>('configure', (keys, scope) => [
    ...runKeys(keys, scope),
    keys.config(scope.backfill),
  ]),
  configureBudget: new LuaScript<{ readonly context: string }, [set: Flag, version: string]>(
    'configure-budget',
    (keys, { context }) => [...runKeys(keys, NO_RUN), keys.budget(context)],
  ),
  countJournaled: new LuaScript<RunScope, number | null>('count-journaled', runKeys),
  decreaseCalls: new LuaScript<CallsScope, string>('decrease-quota', (keys, scope) => [
    ...runKeys(keys, scope),
    ...keys.budgetCalls(scope.context, scope.name),
  ]),
  decreaseQuota: new LuaScript<BackfillRunScope, string>('decrease-quota', quotaKeys),
  endCycle: new LuaScript<RunScope, number | null>('end-cycle', runKeys),
  endDrained: new LuaScript<RunScope, string | null>('end-drained', runKeys),
  failurePage: new LuaScript<RunScope, (string | null)[]>('failure-page', runKeys),
  globalHold: new LuaScript<undefined, string>('global-hold', (keys) => runKeys(keys, NO_RUN)),
  holdAll: new LuaScript<undefined, [kind: 'held' | 'already' | 'past', hold: string]>('hold-all', (keys) =>
    runKeys(keys, NO_RUN),
  ),
  hold: new LuaScript<RunScope, number | null>('hold', runKeys),
  jobProblems: new LuaScript<RunScope, [cursor: string, ...jobsAndWaits: string[]]>('job-problems', runKeys),
  override: new LuaScript<{ readonly backfill: string }, 'set' | 'already' | 'past'>(
    'override',
    (keys, { backfill }) => [...runKeys(keys, NO_RUN), keys.overrides(backfill)],
  ),
  overview: new LuaScript<
    undefined,
    | [now: string]
    | [now: string, newestEvent: string, active: string[], backfills: BackfillReply[], hold: string]
  >('overview', (keys) => [
    ...runKeys(keys, NO_RUN),
    keys.runs(''),
    keys.config(''),
    keys.workers(''),
    keys.quota(''),
    keys.samples(''),
    keys.throttleErrors(''),
    keys.overrides(''),
  ]),
  quota: new LuaScript<BackfillRunScope, QuotaReply>('quota', quotaKeys, ['call-rate']),
  recordLateness: new LuaScript<RunScope, Flag>('record-lateness', runKeys),
  recover: new LuaScript<RecoverScope, 'recovered' | 'present' | 'other' | 'incomplete'>(
    'recover',
    (keys, scope) => [
      ...runKeys(keys, scope),
      keys.runs(scope.backfill),
      keys.retried(scope.runId),
      scope.staged.work,
      scope.staged.failures,
      scope.staged.order,
      keys.sample(scope.runId),
    ],
  ),
  recoverBudget: new LuaScript<{ readonly context: string }, Flag>('recover-config', (keys, { context }) => [
    ...runKeys(keys, NO_RUN),
    keys.budget(context),
  ]),
  recoverConfig: new LuaScript<{ readonly backfill: string }, Flag>(
    'recover-config',
    (keys, { backfill }) => [...runKeys(keys, NO_RUN), keys.config(backfill)],
  ),
  release: new LuaScript<RunScope, number>('release', runKeys),
  releaseAll: new LuaScript<undefined, Flag>('release-all', (keys) => runKeys(keys, NO_RUN)),
  reportLoad: new LuaScript<
    RunScope,
    | [status: 'stopped']
    | [
        status: 'running',
        now: number,
        decides: Flag,
        state: string,
        pressure: string,
        pressureReason: string,
        pressureUnknown: Flag,
        ended: number,
        errors: number,
        ...reports: string[],
      ]
  >('report-load', (keys, scope) => [
    ...runKeys(keys, scope),
    keys.load(scope.runId),
    keys.loadLease(scope.runId),
  ]),
  reportPressure: new LuaScript<
    BackfillRunScope,
    [highest: string, reason: string, changed: Flag, now: number, throttle: string, unknown: Flag]
  >(
    'report-pressure',
    (keys, scope) => [...runKeys(keys, scope), keys.pressure(scope.backfill), keys.overrides(scope.backfill)],
    ['pressure'],
  ),
  reserve: new LuaScript<
    RunScope,
    | [kind: 'reserved', first: number, status: string]
    | [kind: 'stale', sequence: string]
    | [kind: 'stopped', status: string]
  >('reserve', runKeys),
  retry: new LuaScript<
    RunScope,
    [kind: 'taken', status: string, ...placed: (string | number)[]] | [kind: 'refused', reason: string]
  >('retry', retriedKeys),
  setFields: new LuaScript<RunScope, Flag>('set-fields', runKeys),
  settle: new LuaScript<
    RunScope,
    [kind: 'settled', low: Flag, status: string, initialFailures: number, ...placed: Placed] | [kind: 'gone']
  >('settle', runKeys),
  snapshot: new LuaScript<
    RunScope,
    | []
    | [
        micros: string,
        fields: string[],
        entries: string[],
        failureCount: number,
        failures: string[],
        retried: string[],
        sample: string[],
      ]
  >('snapshot', (keys, scope) => [...retriedKeys(keys, scope), keys.sample(scope.runId)]),
  stall: new LuaScript<RunScope, 'begun' | 'updated' | 'ended' | 'already'>('stall', runKeys),
  start: new LuaScript<
    StartScope,
    [kind: 'started' | 'repeated' | 'past', runId: string] | [kind: 'active', runId: string, status: string]
  >('start', (keys, scope) => [
    ...runKeys(keys, scope),
    keys.runs(scope.backfill),
    keys.idempotency(scope.backfill, scope.idempotencyKey),
  ]),
  timeCanary: new LuaScript<RunScope, null>('time-canary', runKeys),
  tick: new LuaScript<undefined, [now: number, hold: string, ...runs: ActiveRunReply[number][]]>(
    'tick',
    (keys) => [
      ...runKeys(keys, NO_RUN),
      keys.leases,
      keys.config(''),
      keys.quota(''),
      keys.pressure(''),
      ...keys.workPrefixes,
      keys.workers(''),
    ],
    ['pressure'],
  ),
  transition: new LuaScript<RunScope, [kind: 'moved' | 'already' | 'refused', before: string, now: string]>(
    'transition',
    runKeys,
  ),
  unwrittenHistory: new LuaScript<undefined, [backfill: string, entries: [id: string, fields: string[]][]][]>(
    'unwritten-history',
    (keys) => [...runKeys(keys, NO_RUN), keys.ledgerPosition],
  ),
};
