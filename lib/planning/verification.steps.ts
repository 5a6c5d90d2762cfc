import { Injectable } from '@nestjs/common';
import type { JsonValue } from '../sources/backfill-source.js';
import type { Reservation } from '../state/range-steps.js';
import { RangeStore } from '../state/range.store.js';
import { cursorField } from '../state/run-record.js';
import { cursorText, fenceOf } from '../state/cursor-fence.js';
import { verificationResult } from '../state/verification.js';
import type { Verification } from '../state/verification.js';
import type { CycleReport, CycleRequest } from './range.planner.js';
import type { NextPhase } from './verification-phases.js';

/** Stores how far the verification of a run is, each time in the step of a reservation. */
@Injectable()
export class VerificationSteps {
  constructor(private readonly rangeStore: RangeStore) {}

  /** Stores the phase, with all cursors at the beginning. */
  async enter(
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
        ...Object.fromEntries(names.map((name) => [name, cursorText(null, fenceOf(run))])),
        ...verificationFields(verification),
        verified: JSON.stringify(verificationResult(verification)),
        verdict: verdict ?? '',
      },
      ...(event ? { verifying: event } : {}),
    });
    return reserved && !ends && !isOver ? report(1, null) : stopped(null);
  }

  async reserve(
    { backfill, run }: CycleRequest,
    reservation: Omit<Reservation, 'rangesPerJob' | 'fence'>,
  ): Promise<boolean> {
    const answer = await this.rangeStore.reserve(
      { runId: run.id, backfill },
      {
        ...reservation,
        rangesPerJob: 1,
        fence: fenceOf(run),
      },
    );
    return answer.kind === 'reserved';
  }
}

export function verificationFields(verification: Verification): Record<string, string> {
  return { verification: JSON.stringify(verification) };
}

/** @param target ranges below half of which the next cycle comes at once; 0: it comes later */
export function report(target: number, cursor: JsonValue): CycleReport {
  return { planned: 0, target, cursor, current: true };
}

export function stopped(cursor: JsonValue): CycleReport {
  return { planned: 0, target: 0, cursor, current: false };
}
