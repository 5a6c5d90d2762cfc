import { forecastOutcome } from '../status/forecast-outcome.js';
import { isoOrNull } from '../status/iso-time.js';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { BackfillChange, BackfillRun } from '../state/backfill-run.js';
import type { BackfillHistoryEntry } from '../state/history.store.js';
import { canaryStatus } from '../state/canary.js';
import { parseJson } from '../state/json.js';
import { checkpointCanary } from '../state/run-record.js';
import { parseVerification, publicStatus, verificationResult } from '../state/verification.js';
import type { LedgerChange, LedgerCheckpoint, LedgerRun } from './ledger-rows.js';
import type { RunSnapshot } from './run-snapshot.js';

/** The one character that PostgreSQL cannot store in a text; a reason or an error message may contain it. */
const NUL = '\0';

export function withoutNul(text: string): string {
  return text.includes(NUL) ? text.replaceAll(NUL, '') : text;
}

/** The row of a run, without the config, which is only written when the run is new. */
export function toRow(snapshot: RunSnapshot, scope: string): Omit<LedgerRun, 'config'> {
  const { run, work, failureCount, revision, fields } = snapshot;
  return {
    id: run.id,
    scope,
    backfill: run.name,
    status: run.status,
    statusReason: clean(run.reason),
    startedAt: new Date(run.startedAt),
    finishedAt: run.finishedAt === null ? null : new Date(run.finishedAt),
    startedBy: clean(run.startedBy),
    startReason: clean(run.startReason),
    dryRun: run.dryRun,
    version: clean(run.version),
    sourceKind: run.sourceKind,
    partitions: cleanJson((run.partitions ?? []) as unknown as JsonValue),
    rowsTotal: run.rowsTotal,
    planned: run.planned,
    done: run.done,
    outstanding: work.length,
    failed: run.failed,
    rowsDone: run.rowsDone,
    rowsFailed: run.rowsFailed,
    failures: failureCount,
    lastError: clean(fields['lastError'] || null),
    revision,
  };
}

export function toCheckpoint({ run, fields, work, revision }: RunSnapshot): LedgerCheckpoint {
  return {
    runId: run.id,
    takenAt: new Date(revision / 1000),
    revision,
    cursors: cleanJson(run.cursors),
    state: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, withoutNul(value)])),
    work: work.map(withoutNul),
    failuresThrough: Number(fields['failureSequence'] ?? 0),
  };
}

export function toChange(entry: BackfillHistoryEntry, scope: string): LedgerChange {
  const data = cleanJson(entry.data) as BackfillHistoryEntry['data'];
  const { by = null, reason = null, patch = null, from = null } = data;
  return {
    id: `${scope}/${entry.backfill}/${entry.id}`,
    scope,
    backfill: entry.backfill,
    runId: entry.runId,
    kind: entry.type,
    at: new Date(entry.at),
    by: textOf(by),
    reason: textOf(reason),
    from,
    to: patch,
    data,
  };
}

/** A change as `history` lists it. */
export function toHistoryEntry(change: LedgerChange): BackfillHistoryEntry {
  return {
    id: change.id.slice(change.id.lastIndexOf('/') + 1),
    type: change.kind as BackfillHistoryEntry['type'],
    backfill: change.backfill,
    runId: change.runId,
    at: change.at.toISOString(),
    data: (change.data ?? {}) as BackfillHistoryEntry['data'],
  };
}

/** A change as `runs` lists it with its run. */
export function toPublicChange({ kind, at, by, reason, from, to }: LedgerChange): BackfillChange {
  return { kind: kind as BackfillChange['kind'], at: at.toISOString(), by, reason, from, to };
}

/**
 * A run as `runs` lists it.
 *
 * @param state the fields of its checkpoint
 */
export function toPublicRun(row: LedgerRun, state: LedgerCheckpoint['state']): BackfillRun {
  const verification = parseVerification(state['verification']);
  return {
    id: row.id,
    name: row.backfill,
    status: publicStatus({ status: row.status, verification }),
    statusReason: row.statusReason,
    startedAt: row.startedAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    startedBy: row.startedBy,
    reason: row.startReason,
    dryRun: row.dryRun,
    version: row.version,
    params: jsonOf(state['paramsShown']),
    finishBy: isoOrNull(state['finishBy'] ? Number(state['finishBy']) : null),
    planned: row.planned,
    done: row.done,
    outstanding: row.status === 'cancelled' ? 0 : row.outstanding,
    failed: row.failed,
    rowsDone: row.rowsDone,
    rowsFailed: row.rowsFailed,
    rowsMissing: Number(state['rowsMissing'] ?? 0),
    rowsRechecked: Number(state['rowsRechecked'] ?? 0),
    journaled: Number(state['journaled'] ?? 0),
    undoes: state['undoes'] || null,
    conflicts: Number(state['conflicts'] ?? 0),
    verified: verificationResult(verification),
    canary: canaryStatus(checkpointCanary(state)),
    forecast: outcomeOf(row, state),
    rowsTotal: row.rowsTotal,
    failures: row.failures,
    configAtStart: configOf(state['configAtStart']) ?? configOfRow(row.config),
    config: configOf(state['config']),
  };
}

/** The forecast of a run from its checkpoint, beside what has come true. */
function outcomeOf(row: LedgerRun, state: LedgerCheckpoint['state']): BackfillRun['forecast'] {
  const forecast = jsonOf(state['forecast']);
  const position = (text: string | undefined) => (text ? Number(text) : undefined);
  return forecastOutcome(
    {
      forecast: forecast as Readonly<Record<string, unknown>> | null,
      startedAt: row.startedAt.getTime(),
      finishedAt: row.finishedAt?.getTime() ?? null,
      rowsDone: row.rowsDone,
      rowsFailed: row.rowsFailed,
      walFrom: position(state['walFrom']),
      walTo: position(state['walTo']),
    },
    Date.now(),
  );
}

function configOf(text: string | undefined): BackfillConfig | null {
  return text ? (JSON.parse(text) as BackfillConfig) : null;
}

/** The config of a run that an earlier version has written: the one in force when the ledger first saw the run. */
function configOfRow(config: JsonValue): BackfillConfig | null {
  return config !== null && typeof config === 'object' && !('corrupt' in config)
    ? (config as unknown as BackfillConfig)
    : null;
}

/** `null` where it is not there, or no JSON. */
function jsonOf(text: string | undefined): JsonValue {
  return (parseJson(text ?? 'null') ?? null) as JsonValue;
}

function textOf(value: JsonValue): string | null {
  return value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
}

function clean(text: string | null): string | null {
  return text === null ? null : withoutNul(text);
}

function cleanJson(value: JsonValue): JsonValue {
  return JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? withoutNul(part) : part)),
  ) as JsonValue;
}
