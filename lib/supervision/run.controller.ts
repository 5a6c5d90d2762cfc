import { Injectable } from '@nestjs/common';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { RangeQueues } from '../queues/range.queues.js';
import type { ActionOptions, RunReceipt } from '../state/run-actions.js';
import { TRANSITIONS } from '../state/run-status.js';
import type { RunAction, RunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { RunResumer } from './run.resumer.js';
import { WalkChecker } from './walk.checker.js';

/** Pauses, resumes and cancels the active run of a backfill. */
@Injectable()
export class RunController {
  constructor(
    private readonly runs: RunStore,
    private readonly resumer: RunResumer,
    private readonly queues: RangeQueues,
    private readonly registry: BackfillRegistry,
    private readonly walks: WalkChecker,
  ) {}

  async pause(backfill: string, options: ActionOptions): Promise<RunReceipt> {
    return this.transition(backfill, 'pause', options);
  }

  async resume(backfill: string, options: ActionOptions): Promise<RunReceipt> {
    await this.assertSameWalk(backfill);
    const receipt = await this.transition(backfill, 'resume', options);
    if (receipt.state === 'running') {
      await this.resumer.resume(backfill, receipt.runId);
    }
    return receipt;
  }

  async cancel(backfill: string, options: ActionOptions): Promise<RunReceipt> {
    const receipt = await this.transition(backfill, 'cancel', options);
    // Not needed for correctness, as jobs of a cancelled run do nothing: the next run need not skip them.
    await this.queues.of(backfill).drain(true);
    return receipt;
  }

  private async assertSameWalk(backfill: string): Promise<void> {
    const registered = this.registry.find(backfill);
    const runId = await this.runs.activeId(backfill);
    const run = runId === null ? null : await this.runs.read(runId);
    if (registered && run?.status === 'paused') {
      this.walks.assertSame(registered, run, 'resumed');
    }
  }

  private async transition(backfill: string, action: RunAction, options: ActionOptions): Promise<RunReceipt> {
    const { by = null, reason = null } = options;
    const runId = (await this.runs.activeId(backfill)) ?? (await this.runs.newestId(backfill));
    if (runId === null) {
      throw conflict(backfill, action, 'idle');
    }
    const answer = await this.runs.move(runId, action, reason ?? '', { by, reason });
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
