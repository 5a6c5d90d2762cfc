import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { SourceContext, SourcePartition } from '../sources/backfill-source.js';
import { RunStore } from '../state/run.store.js';
import type { Verification } from '../state/verification.js';
import { PartitionRotation } from './partition-rotation.js';
import { PAGE, RangePlanner } from './range.planner.js';
import type { CycleReport, CycleRequest } from './range.planner.js';
import { SamplePlanner } from './sample.planner.js';
import { afterCount, afterWalk, counted } from './verification-phases.js';
import type { NextPhase } from './verification-phases.js';
import { report, stopped, verificationFields, VerificationSteps } from './verification.steps.js';

/** Longest that one cycle counts. */
const CYCLE_MS = 5_000;

/**
 * Plans the cycles of a run that is verified: its walk, and after that counts and sweeps. The phase is kept in the run's
 * hash and changes in the step of a reservation, so that each cycle continues where the last one ended, whatever was
 * killed. Ranges of sweeps are ranges like others.
 */
@Injectable()
export class VerificationPlanner {
  constructor(
    private readonly planner: RangePlanner,
    private readonly runs: RunStore,
    private readonly managers: EntityManagers,
    private readonly steps: VerificationSteps,
    private readonly samples: SamplePlanner,
  ) {}

  async plan(request: CycleRequest, verification: Verification): Promise<CycleReport> {
    const { run } = request;
    const partitions = rotationOf(request, verification);
    const { phase } = verification;
    if (phase === 'done') {
      return stopped(null);
    }
    if (phase === 'count') {
      return this.count(request, verification, partitions);
    }
    if (phase === 'sample') {
      return this.samples.plan(request, verification);
    }
    if (partitions.isExhausted && (await this.runs.outstanding(run.id)) === 0) {
      return this.advance(request, verification);
    }
    return this.planner.plan(request, {
      partitions,
      sweep: phase === 'sweep',
      continues: true,
      ...(phase === 'sweep' ? { fieldsOf: sweptFields(verification) } : {}),
    });
  }

  /** Begins the next phase, or ends the run, once everything of this one is done. */
  private async advance(request: CycleRequest, verification: Verification): Promise<CycleReport> {
    const { run, now } = request;
    if ((await this.runs.failures(run.id)) > 0 || run.rowsMissing > 0) {
      // Goes on when the failures were retried: what failed would be left, and count as written by the app.
      return this.steps.enter(request, { verification }, { ends: true });
    }
    const next = afterWalk(verification, run, now, await this.stillMatches(request, verification));
    return this.steps.enter(request, await this.open(request, next));
  }

  /** Counts the rows that match now, until as many are found as the round before had. */
  private async count(
    request: CycleRequest,
    verification: Verification,
    partitions: PartitionRotation,
  ): Promise<CycleReport> {
    const { run } = request;
    if (run.pace.kind === 'held') {
      return report(0, partitions.publicCursor());
    }
    const deadline = performance.now() + CYCLE_MS;
    let left = verification.left ?? 0;
    let { seq } = run;
    while (!partitions.isExhausted && !counted({ ...verification, left })) {
      if (performance.now() > deadline) {
        return report(1, partitions.publicCursor());
      }
      const { ranges, ...page } = await this.planner.planPage(request, { partitions, sweep: true }, PAGE);
      left += ranges.reduce((sum, range) => sum + Math.round(range.rows), 0);
      const reserved = await this.steps.reserve(request, {
        ...page,
        // Of the partition, not of the run.
        exhausted: false,
        ranges: [],
        seq,
        partitionsDone: partitions.exhaustedNames,
        fields: verificationFields({ ...verification, left }),
      });
      if (!reserved) {
        return stopped(partitions.publicCursor());
      }
      partitions.advance(page.partition, page.cursor);
      seq++;
    }
    return this.steps.enter(
      { ...request, run: { ...run, seq, cursors: partitions.cursorsByName() } },
      afterCount({ ...verification, left }, partitions.isExhausted),
    );
  }

  /** Whether rows of the walk match still, as far as its source can tell. */
  private async stillMatches(request: CycleRequest, { phase }: Verification): Promise<boolean> {
    const { source } = request.backfill;
    const { partitions } = request.run;
    if (phase !== 'walk' || !source.stillMatches) {
      return true;
    }
    return this.reading(request, async (context) => source.stillMatches?.(context, partitions ?? []) ?? true);
  }

  /** The bounds of a round that begins. */
  private async open(request: CycleRequest, next: NextPhase): Promise<NextPhase> {
    const { source } = request.backfill;
    const partitions = await this.reading(request, async (context) =>
      source.openSweep?.(context, next.verification.request),
    );
    return { ...next, verification: { ...next.verification, partitions: partitions ?? [] } };
  }

  private async reading<Result>(
    { backfill, signal }: CycleRequest,
    read: (context: SourceContext) => Promise<Result>,
  ): Promise<Result> {
    const em = this.managers.fork(backfill);
    try {
      return await read({ em, signal, backfill: backfill.name });
    } finally {
      em.clear();
    }
  }
}

function rotationOf({ run }: CycleRequest, { phase, partitions }: Verification): PartitionRotation {
  return new PartitionRotation(
    phase === 'walk' ? run : { ...run, partitions: [...partitions] as SourcePartition[] },
  );
}

function sweptFields(verification: Verification) {
  let current = verification;
  return async (page: { readonly ranges: readonly { readonly rows: number }[] }) => {
    const rows = page.ranges.reduce((sum, range) => sum + Math.round(range.rows), 0);
    current = { ...current, swept: current.swept + rows };
    return verificationFields(current);
  };
}
