import { Injectable } from '@nestjs/common';
import type { Canary, CanarySample } from '../state/canary.js';
import { fenceOf } from '../state/cursor-fence.js';
import { RangeStore } from '../state/range.store.js';
import type { ReserveAnswer } from '../state/range-steps.js';
import { RunStore } from '../state/run.store.js';
import { PartitionRotation } from './partition-rotation.js';
import { RangePlanner } from './range.planner.js';
import type { CycleReport, CycleRequest } from './range.planner.js';
import { SampleVerifier } from './sample.verifier.js';
import type { VerifiedPage } from './sample.verifier.js';
import { report, stopped } from './verification.steps.js';

/** Longest that one cycle verifies rows. */
const CYCLE_MS = 5_000;

/**
 * Plans the cycles of a run whose canary has no verdict: as many rows as it may have, and then the verification of a sample
 * of them. The verdict is given by the script that settles the last range, or else by the last reservation here.
 */
@Injectable()
export class CanaryPlanner {
  constructor(
    private readonly planner: RangePlanner,
    private readonly runs: RunStore,
    private readonly rangeStore: RangeStore,
    private readonly verifier: SampleVerifier,
  ) {}

  async plan(request: CycleRequest, canary: Canary): Promise<CycleReport> {
    const { run } = request;
    const partitions = new PartitionRotation(run);
    const rowsLeft = canary.rows - canary.handedOut;
    if (rowsLeft > 0 && !partitions.isExhausted) {
      return this.planner.plan(request, { partitions, sweep: false, continues: true, rowsLeft });
    }
    const cursor = partitions.publicCursor();
    if ((await this.runs.outstanding(run.id)) > 0) {
      // Called as soon as nothing is outstanding.
      return report(1, cursor);
    }
    if (canary.sample > 0 && run.pace.kind === 'held') {
      return report(0, cursor);
    }
    return this.conclude(request, canary, partitions);
  }

  /** Verifies the sample page by page; the step of the last page has the verdict given. */
  private async conclude(
    request: CycleRequest,
    canary: Canary,
    partitions: PartitionRotation,
  ): Promise<CycleReport> {
    const { backfill, run, signal } = request;
    const deadline = performance.now() + CYCLE_MS;
    const cursor = partitions.publicCursor();
    let found = canary.verified ?? { read: 0, sampled: 0, mismatched: 0 };
    let { seq } = run;
    while (canary.sample > 0) {
      const page = await this.verifier.verify(backfill, run.id, found.read, signal);
      if (page.read === 0) {
        break;
      }
      found = added(found, page);
      const answer = await this.reserve({ ...request, run: { ...run, seq } }, foundFields(found), page);
      if (answer.kind !== 'reserved' || answer.status !== 'running') {
        return stopped(cursor);
      }
      seq++;
      if (performance.now() > deadline) {
        return report(1, cursor);
      }
    }
    const isWalked = partitions.isExhausted;
    const answer = await this.reserve(
      { ...request, run: { ...run, seq } },
      {
        canaryPending: '0',
        ...(isWalked ? { canaryWalked: '1' } : {}),
        ...(canary.sample > 0 ? foundFields(found) : {}),
      },
      { failures: [], lastError: null },
      isWalked && !run.verification,
    );
    const goesOn = answer.kind === 'reserved' && answer.status === 'running';
    // A retry that is under way gives the verdict with its last page; a verification begins at once.
    return goesOn ? report(isWalked && run.verification ? 1 : 0, cursor) : stopped(cursor);
  }

  private async reserve(
    { backfill, run }: CycleRequest,
    fields: Readonly<Record<string, string>>,
    { failures, lastError }: Pick<VerifiedPage, 'failures' | 'lastError'>,
    exhausted = false,
  ): Promise<ReserveAnswer> {
    const cursor = run.cursors[''] ?? null;
    return this.rangeStore.reserve(
      { runId: run.id, backfill },
      {
        seq: run.seq,
        partition: '',
        from: cursor,
        cursor,
        ranges: [],
        exhausted,
        partitionsDone: run.partitionsDone ?? [],
        rangesPerJob: 1,
        fence: fenceOf(run),
        failures,
        fields: { ...fields, ...(lastError === null ? {} : { lastError }) },
      },
    );
  }
}

function added(found: CanarySample, { read, sampled, mismatched }: VerifiedPage): CanarySample {
  return {
    read: found.read + read,
    sampled: found.sampled + sampled,
    mismatched: found.mismatched + mismatched,
  };
}

function foundFields(found: CanarySample): Record<string, string> {
  return { canaryVerified: JSON.stringify(found) };
}
