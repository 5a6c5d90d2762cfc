import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { JsonValue, SourceContext, SourcePartition } from '../sources/backfill-source.js';
import type { Reservation } from '../state/range-steps.js';
import { RangeStore } from '../state/range.store.js';
import { cursorField } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { cursorText, verificationResult } from '../state/verification.js';
import type { Verification } from '../state/verification.js';
import { SampleVerifier } from './sample.verifier.js';
import { afterCount, afterSample, afterWalk, counted } from './verification-phases.js';
import type { NextPhase } from './verification-phases.js';
import { PartitionRotation } from './partition-rotation.js';
import { PAGE, RangePlanner } from './range.planner.js';
import type { CycleReport, CycleRequest } from './range.planner.js';

/** Longest that one cycle counts, or verifies rows of the sample. */
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
    private readonly rangeStore: RangeStore,
    private readonly managers: EntityManagers,
    private readonly samples: SampleVerifier,
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
      return this.verifySample(request, verification);
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
      return this.enter(request, { verification }, { ends: true });
    }
    const next = afterWalk(verification, run, now, await this.stillMatches(request, verification));
    return this.enter(request, await this.open(request, next));
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
      const reserved = await this.reserve(request, {
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
    return this.enter(
      { ...request, run: { ...run, seq, cursors: partitions.cursorsByName() } },
      afterCount({ ...verification, left }, partitions.isExhausted),
    );
  }

  /** Verifies the sample page by page, and once more after failures were retried. */
  private async verifySample(request: CycleRequest, verification: Verification): Promise<CycleReport> {
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
      const page = await this.samples.verify(backfill, run.id, read, signal);
      if (page.read === 0) {
        break;
      }
      read += page.read;
      sampled += page.sampled;
      mismatched += page.mismatched;
      const current = { ...verification, read, sampled, mismatched };
      const reserved = await this.reserve(request, {
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
      return this.enter(now, { verification: { ...verified, read: 0 } }, { ends: true });
    }
    return this.enter(now, afterSample(verified));
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
    const em = this.managers.fork();
    try {
      return await read({ em, signal, backfill: backfill.name });
    } finally {
      em.clear();
    }
  }

  /** Stores the phase, with all cursors at the beginning. */
  private async enter(
    request: CycleRequest,
    { verification, verdict, event }: NextPhase,
    { ends = false }: { readonly ends?: boolean } = {},
  ): Promise<CycleReport> {
    const { run } = request;
    const isOver = verification.phase === 'done';
    const names = ends ? [] : verification.partitions.map(({ name }) => cursorField(name));
    const reserved = await this.reserve(request, {
      partition: '',
      from: run.cursors[''] ?? null,
      cursor: ends ? (run.cursors[''] ?? null) : null,
      ranges: [],
      seq: run.seq,
      exhausted: isOver,
      partitionsDone: ends ? (run.partitionsDone ?? []) : [],
      ends,
      fields: {
        ...Object.fromEntries(names.map((name) => [name, cursorText(null, true)])),
        ...verificationFields(verification),
        verified: JSON.stringify(verificationResult(verification)),
        verdict: verdict ?? '',
      },
      ...(event ? { verifying: event } : {}),
    });
    return reserved && !ends && !isOver ? report(1, null) : stopped(null);
  }

  private async reserve(
    { backfill, run }: CycleRequest,
    reservation: Omit<Reservation, 'rangesPerJob' | 'verified'>,
  ): Promise<boolean> {
    const answer = await this.rangeStore.reserve(
      { runId: run.id, backfill },
      {
        ...reservation,
        rangesPerJob: 1,
        verified: true,
      },
    );
    return answer.kind === 'reserved';
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

function verificationFields(verification: Verification): Record<string, string> {
  return { verification: JSON.stringify(verification) };
}

/** @param target ranges below half of which the next cycle comes at once; 0: it comes later */
function report(target: number, cursor: JsonValue): CycleReport {
  return { planned: 0, target, cursor, current: true };
}

function stopped(cursor: JsonValue): CycleReport {
  return { planned: 0, target: 0, cursor, current: false };
}
