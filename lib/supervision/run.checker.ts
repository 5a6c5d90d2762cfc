import { Injectable } from '@nestjs/common';
import { isHeldForVersion } from '../config/handler-version.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillChecks } from '../handlers/backfill-checks.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { RunRecord } from '../state/run-record.js';
import { isActive } from '../state/run-status.js';
import { WalkChecker } from './walk.checker.js';

/** What an operator asks for; the command that has a run adopt a version. */
export type AdoptingAction = 'resume' | 'retry';

const PAST_TENSE = { resume: 'resumed', retry: 'retried' } as const;

/** Checks whether this process may work on a run: with the source and the version of the handler that the run has. */
@Injectable()
export class RunChecker {
  constructor(
    private readonly walks: WalkChecker,
    private readonly checks: BackfillChecks,
  ) {}

  /** Why this process does not work on the run, and what to do, in words; `null` where it does. */
  refusal(backfill: RegisteredBackfill, run: RunRecord, action: AdoptingAction = 'resume'): string | null {
    const problem = this.checks.problem(backfill.name);
    if (problem !== null) {
      return problem;
    }
    // Before the version, as no version can be adopted where the source is another one.
    return this.walks.difference(backfill, run) ?? versionRefusal(backfill, run, action);
  }

  /**
   * @param adoptVersion the version that the run is to go on with; `null` for its own
   * @throws BackfillConflictError where this process does not work on the run
   */
  assertServes(
    backfill: RegisteredBackfill,
    run: RunRecord,
    action: AdoptingAction,
    adoptVersion: string | null,
  ): void {
    // A process of another version may ask for the adoption: the one that is deployed first, or has no workers.
    const refusal =
      adoptVersion === null
        ? this.refusal(backfill, run, action)
        : (this.checks.problem(backfill.name) ?? this.walks.difference(backfill, run));
    if (refusal !== null) {
      throw new BackfillConflictError(
        `Run ${run.id} of backfill "${backfill.name}" cannot be ${PAST_TENSE[action]}: ${refusal}.`,
      );
    }
  }
}

function versionRefusal(backfill: RegisteredBackfill, run: RunRecord, asked: AdoptingAction): string | null {
  if (!isHeldForVersion(run, backfill)) {
    return null;
  }
  const { name, version } = backfill;
  // An active run adopts a version only when it is resumed.
  const action = isActive(run.status) ? 'resume' : asked;
  const started =
    run.version === null ? 'the handler without a version' : `version ${run.version} of the handler`;
  const own = version === null ? 'none' : `version ${version}`;
  const adopt =
    version === null
      ? 'Give the handler a version, which the run can adopt'
      : `To go on with version ${version}, ${action} it with { adoptVersion: '${version}' } ` +
        `(nestjs-backfill ${action} ${name} --adopt-version ${shellWord(version)})`;
  return `it is a run of ${started}, and this process has ${own}. ${adopt}; or deploy ${started} again and ${action} it`;
}

function shellWord(text: string): string {
  return /^[\w.+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
