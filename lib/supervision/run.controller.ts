import { Injectable } from '@nestjs/common';
import { parseAdoptVersion } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { RangeQueues } from '../queues/range.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { ActionOptions, ResumeOptions, RunReceipt } from '../state/run-actions.js';
import type { RunRecord } from '../state/run-record.js';
import { TRANSITIONS } from '../state/run-status.js';
import type { RunAction, RunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { publicStatus } from '../state/verification.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { RunChecker } from './run.checker.js';
import { RunResumer } from './run.resumer.js';

/** A version that a run adopts, and the one that it has before. */
interface VersionChange {
  readonly adopt: Adoption;
  readonly before: string | null;
}

/** Pauses, resumes and cancels the active run of a backfill. */
@Injectable()
export class RunController {
  constructor(
    private readonly runs: RunStore,
    private readonly resumer: RunResumer,
    private readonly queues: RangeQueues,
    private readonly registry: BackfillRegistry,
    private readonly checker: RunChecker,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
  ) {}

  async pause(backfill: string, options: ActionOptions): Promise<RunReceipt> {
    return this.transition(backfill, 'pause', options);
  }

  async resume(backfill: string, options: ResumeOptions): Promise<RunReceipt> {
    const adoption = await this.checkResume(backfill, parseAdoptVersion(backfill, options.adoptVersion));
    const receipt = await this.transition(backfill, 'resume', options, adoption);
    if (receipt.state === 'running') {
      await this.resumer.resume(backfill, receipt.runId);
      const run = await this.runs.read(receipt.runId);
      return run ? { ...receipt, state: publicStatus(run) } : receipt;
    }
    return receipt;
  }

  async cancel(backfill: string, options: ActionOptions): Promise<RunReceipt> {
    const receipt = await this.transition(backfill, 'cancel', options);
    // Not needed for correctness, as jobs of a cancelled run do nothing: the next run need not skip them.
    await this.queues.of(backfill, receipt.runId).drain(true);
    return receipt;
  }

  /** Throws where the run cannot be resumed by this process; returns what it adopts. */
  private async checkResume(
    backfill: string,
    adoptVersion: string | null,
  ): Promise<VersionChange | undefined> {
    const registered = this.registry.find(backfill);
    const runId = await this.runs.activeId(backfill);
    const run = runId === null ? null : await this.runs.read(runId);
    if (registered && run?.status === 'paused') {
      await this.checker.assertServes(registered, run, 'resume', adoptVersion);
    }
    if (!run || adoptVersion === null || adoptVersion === run.version) {
      return undefined;
    }
    await this.assertIdle(run, adoptVersion);
    return {
      adopt: { version: adoptVersion, onOtherVersion: registered?.onOtherVersion ?? 'warn' },
      before: run.version,
    };
  }

  /** Two versions must not work on a run at once: its processes have to stop before it adopts another version. */
  private async assertIdle({ id, name, status, version }: RunRecord, adoptVersion: string): Promise<void> {
    const cannot = `Run ${id} of backfill "${name}" cannot adopt version ${adoptVersion}`;
    if (status === 'running') {
      throw new BackfillConflictError(
        `${cannot} while it is running with ${version === null ? 'no version' : `version ${version}`}: pause it first.`,
      );
    }
    const working = await this.heartbeats.workers(name, await this.clock.now());
    if (working.length > 0) {
      throw new BackfillConflictError(
        `${cannot} yet: ranges may still be in flight in ${working.length === 1 ? 'a process' : `${working.length} processes`}. ` +
          'Repeat it in a few seconds.',
      );
    }
  }

  private async transition(
    backfill: string,
    action: RunAction,
    options: ActionOptions,
    change?: VersionChange,
  ): Promise<RunReceipt> {
    const { by = null, reason = null } = options;
    const runId = (await this.runs.activeId(backfill)) ?? (await this.runs.newestId(backfill));
    if (runId === null) {
      throw conflict(backfill, action, 'idle');
    }
    const answer = await this.runs.move(
      runId,
      action,
      reason ?? '',
      { by, reason, ...(change ? { adoptVersion: change.adopt.version, version: change.before } : {}) },
      { adopt: change?.adopt },
    );
    if (answer.kind === 'refused') {
      throw conflict(backfill, action, answer.before ?? 'gone from Redis');
    }
    return { runId, state: answer.now ?? TRANSITIONS[action].to, changed: answer.kind === 'moved' };
  }
}

function conflict(
  backfill: string,
  action: RunAction,
  state: RunStatus | 'idle' | 'gone from Redis',
): BackfillConflictError {
  const { from, to } = TRANSITIONS[action];
  return new BackfillConflictError(
    `Backfill "${backfill}" cannot become ${to} while it is ${state}: ${action} is possible while it is ` +
      `${from.join(' or ')}.`,
  );
}
