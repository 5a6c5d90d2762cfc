import { Injectable } from '@nestjs/common';
import { RunStore } from '../state/run.store.js';
import type { Verification } from '../state/verification.js';
import type { CycleReport, CycleRequest } from './range.planner.js';
import { SampleVerifier } from './sample.verifier.js';
import { afterSample } from './verification-phases.js';
import { report, stopped, verificationFields, VerificationSteps } from './verification.steps.js';

/** Longest that one cycle verifies rows. */
const CYCLE_MS = 5_000;

/** The cycles of the last phase of a verification, in which the rows of the sample are verified. */
@Injectable()
export class SamplePlanner {
  constructor(
    private readonly runs: RunStore,
    private readonly steps: VerificationSteps,
    private readonly verifier: SampleVerifier,
  ) {}

  /** Verifies the sample page by page, and once more after failures were retried. */
  async plan(request: CycleRequest, verification: Verification): Promise<CycleReport> {
    const { backfill, run, signal } = request;
    if ((await this.runs.outstanding(run.id)) > 0) {
      // Called as soon as nothing is outstanding.
      return report(1, null);
    }
    if (run.pace.kind === 'held') {
      return report(0, null);
    }
    const deadline = performance.now() + CYCLE_MS;
    let { read = 0, sampled = 0, mismatched = 0 } = verification;
    if (read === 0) {
      // The figures of the time before, until this one has its own.
      sampled = mismatched = 0;
    }
    let { seq } = run;
    for (;;) {
      const page = await this.verifier.verify(backfill, run.id, read, signal);
      if (page.read === 0) {
        break;
      }
      read += page.read;
      sampled += page.sampled;
      mismatched += page.mismatched;
      const current = { ...verification, read, sampled, mismatched };
      const reserved = await this.steps.reserve(request, {
        partition: '',
        from: run.cursors[''] ?? null,
        cursor: run.cursors[''] ?? null,
        ranges: [],
        seq,
        exhausted: false,
        partitionsDone: run.partitionsDone ?? [],
        failures: page.failures,
        fields: {
          ...verificationFields(current),
          ...(page.lastError === null ? {} : { lastError: page.lastError }),
        },
      });
      if (!reserved) {
        return stopped(null);
      }
      seq++;
      if (performance.now() > deadline) {
        return report(1, null);
      }
    }
    const verified = { ...verification, read, sampled, mismatched };
    const now = { ...request, run: { ...run, seq } };
    if ((await this.runs.failures(run.id)) > 0) {
      // Once the failures were retried, the sample is verified again from its first row.
      return this.steps.enter(now, { verification: { ...verified, read: 0 } }, { ends: true });
    }
    return this.steps.enter(now, afterSample(verified));
  }
}
