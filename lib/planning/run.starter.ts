import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { EntityManagers } from '../database/entity-managers.js';
import { requireTransactions } from '../database/require-transactions.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { describeValue } from '../errors/describe-value.js';
import { computeForecast } from '../forecast/compute-forecast.js';
import type { BackfillForecast } from '../state/backfill-forecast.js';
import { walPosition } from '../forecast/wal-position.js';
import { MeasurementStore } from '../forecast/measurement.store.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { RateController } from '../pacing/rate.controller.js';
import type { SourceOpening } from '../sources/backfill-source.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import { otherDatabaseRunId, undoRunId } from '../redis/hidden-run-id.js';
import { canaryFields } from '../state/canary.js';
import { cursorText, fenceOf } from '../state/cursor-fence.js';
import type { CursorFence } from '../state/cursor-fence.js';
import { parseEnd } from '../state/parse-end.js';
import type { RunReceipt, StartOptions } from '../state/run-actions.js';
import { cursorField } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { WalkChecker } from '../supervision/walk.checker.js';
import { expectedLateness } from './expected-lateness.js';
import { resolveCanary } from './resolve-canary.js';
import { resolveVerification } from './resolve-verification.js';
import { countRanges } from './count-ranges.js';

/** Starts a run: reads its bounds, creates it in one atomic step, and queues its first cycle. */
@Injectable()
export class RunStarter {
  constructor(
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly managers: EntityManagers,
    private readonly clock: RedisClock,
    private readonly rateController: RateController,
    private readonly walks: WalkChecker,
    private readonly cycles: CycleQueues,
    private readonly measurements: MeasurementStore,
  ) {}

  /**
   * Throws `BackfillConflictError` while another run is active, and `BackfillRequestError` for a dry run on a database
   * without transactions, for a verification or a canary that the source cannot have, and for a `finishBy` that is no
   * time in the future.
   *
   * @param undoes id of the run that the run undoes; `backfill` is then the reversal of its backfill
   */
  async start(backfill: RegisteredBackfill, options: StartOptions, undoes?: string): Promise<RunReceipt> {
    const { name, source, defaults } = backfill;
    const patch = parseConfigPatch(options.config, { backfill: name, origin: 'start' });
    const finishBy = options.finishBy === undefined ? null : parseEnd(name, options.finishBy, 'finishBy');
    await this.assertNoActiveRun(name, options);
    // A request that is repeated later starts nothing, so that the script decides then.
    if (finishBy !== null && options.idempotencyKey === undefined && finishBy <= (await this.clock.now())) {
      throw past(name, options);
    }
    if (Object.keys(patch).length > 0) {
      const { startedBy: by = null, reason = null } = options;
      await this.configs.write(name, null, patch, { patch: { ...patch }, by, reason }, { defaults });
    }
    const { config } = await this.configs.read(name, defaults);
    const em = this.managers.fork(backfill);
    if (options.dryRun) {
      await requireTransactions(em, name);
    }
    const verification = await resolveVerification(backfill, options, em, await this.clock.now());
    const opening = await source.open({ em, backfill: name }, { from: options.from, to: options.to });
    const canary = await resolveCanary(backfill, options, opening, verification, em);
    const forecast = await this.forecastOf(backfill, opening, em, config);
    const runId = runIdOf(newRunId(Date.now()), backfill, undoes);
    const answer = await this.runs.start(name, runId, options.idempotencyKey ?? '', {
      sourceKind: source.kind,
      partitions: JSON.stringify(undoes === undefined ? opening.partitions : []),
      walk: JSON.stringify(this.walks.walkOf(backfill)),
      configAtStart: JSON.stringify(config),
      config: JSON.stringify(config),
      rowsTotal: Math.round(opening.total.rows),
      rowsExact: opening.total.exact ? 1 : 0,
      dryRun: options.dryRun === true ? 1 : 0,
      version: backfill.version ?? '',
      onOtherVersion: backfill.onOtherVersion,
      startedBy: options.startedBy ?? '',
      startReason: options.reason ?? '',
      idempotencyKey: options.idempotencyKey ?? '',
      ...backfill.params?.kept,
      ...(forecast ? { forecast: JSON.stringify(forecast) } : {}),
      ...(forecast?.walBytes ? { walFrom: await walPosition(em) } : {}),
      from: boundText(options.from),
      to: boundText(options.to),
      ...(undoes === undefined ? {} : { undoes }),
      ...(verification ? { verification: JSON.stringify(verification) } : {}),
      ...(canary ? canaryFields(canary, canary.sample) : {}),
      ...(finishBy === null ? {} : { finishBy }),
      ...fencedCursors(opening, fenceOf({ id: runId, verification, canary })),
    });
    // After a lost connection ioredis sends the script again: the active run is then the one that it created itself.
    if (answer.kind === 'active' && answer.runId !== runId) {
      throw conflict(name, answer.runId, answer.status);
    }
    if (answer.kind === 'past') {
      throw past(name, options);
    }
    if (answer.kind === 'repeated') {
      return this.receipt(answer.runId, false);
    }
    await this.rateController.apply(name, runId, config, await this.clock.now());
    await this.cycles.runNow({ backfill: name, run: runId, cycle: 0 });
    const receipt: RunReceipt = { runId, state: 'running', changed: true };
    if (finishBy === null) {
      return receipt;
    }
    const at = await this.clock.now();
    const { rows: rowsTotal } = opening.total;
    const { shape } = backfill;
    return { ...receipt, late: expectedLateness({ finishBy, at, config, rowsTotal, shape, forecast }) };
  }

  /** What the run will cost; `null` where there was no rehearsal within the last hour. */
  private async forecastOf(
    backfill: RegisteredBackfill,
    opening: SourceOpening,
    em: EntityManager,
    config: BackfillConfig,
  ): Promise<BackfillForecast | null> {
    const measurement = await this.measurements.read(backfill.name);
    if (!measurement) {
      return null;
    }
    const context = { em, backfill: backfill.name };
    const ranges = await countRanges(backfill, context, opening, config.batchSize);
    return computeForecast(measurement, {
      config,
      rowsTotal: opening.total.rows,
      ranges,
      at: await this.clock.now(),
    });
  }

  /** Fails early, before the bounds are read from the database. The start script makes the decision. */
  private async assertNoActiveRun(name: string, { idempotencyKey }: StartOptions): Promise<void> {
    const active = await this.runs.activeId(name);
    const run = active === null ? null : await this.runs.read(active);
    if (run && idempotencyKey === undefined) {
      throw conflict(name, run.id, run.status);
    }
  }

  private async receipt(runId: string, changed: boolean): Promise<RunReceipt> {
    const run = await this.runs.read(runId);
    return { runId, state: run?.status ?? 'running', changed };
  }
}

/** The cursors of a run with a fence, which are there from the beginning. */
function fencedCursors({ partitions }: SourceOpening, fence: CursorFence): Record<string, string> {
  const names = fence === '' ? [] : ['', ...partitions.map(({ name }) => name)];
  return Object.fromEntries(names.map((name) => [cursorField(name), cursorText(null, fence)]));
}

/** A bound as it was asked for; empty for none. */
function boundText(bound: unknown): string {
  return bound === undefined ? '' : describeValue(bound);
}

function past(name: string, { finishBy }: StartOptions): BackfillRequestError {
  return new BackfillRequestError(name, 'finishBy', 'a time in the future', finishBy);
}

function conflict(name: string, runId: string, status: string): BackfillConflictError {
  return new BackfillConflictError(
    `Backfill "${name}" cannot be started while its run ${runId} is ${status}. ` +
      (status === 'paused' ? 'Resume or cancel that run.' : 'Wait for that run, or cancel it.'),
  );
}

/** The id says what processes of earlier releases must not work on. */
function runIdOf(id: string, { contextName }: RegisteredBackfill, undoes: string | undefined): string {
  if (undoes !== undefined) {
    return undoRunId(id);
  }
  return contextName === undefined ? id : otherDatabaseRunId(id);
}

/** Short, because every job carries it; the ids of later runs sort after those of earlier ones. */
function newRunId(now: number): string {
  return `${now.toString(36)}${randomBytes(4).readUInt32BE().toString(36).padStart(7, '0')}`;
}
