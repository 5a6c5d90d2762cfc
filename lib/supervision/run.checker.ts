import { Injectable } from '@nestjs/common';
import { isHeldForVersion } from '../config/handler-version.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillChecks } from '../handlers/backfill-checks.js';
import type { DeclaredBackfill, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { RunBinder } from '../handlers/run.binder.js';
import type { Binding } from '../handlers/run.binder.js';
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
    private readonly binder: RunBinder,
  ) {}

  /**
   * The backfill with the parameters and the source of a run, or why this process does not work on it, and what to do.
   *
   * @throws what the schema of its parameters throws
   */
  async bind(declared: DeclaredBackfill, run: RunRecord): Promise<Binding> {
    const refusal = this.checks.problem(declared.name);
    return refusal === null
      ? served(await this.binder.bind(declared, run), (it) => this.differs(it, run))
      : { refusal };
  }

  /**
   * Why this process does not work on the run, and what to do, in words; `null` where it does, and while its parameters
   * have not been parsed here.
   */
  knownRefusal(declared: DeclaredBackfill, run: RunRecord): string | null {
    const problem = this.checks.problem(declared.name);
    const binding = problem === null && this.binder.peek(declared, run);
    if (!binding) {
      return problem;
    }
    return refusalOf(served(binding, (it) => this.differs(it, run)));
  }

  /**
   * @param adoptVersion the version that the run is to go on with; `null` for its own
   * @throws BackfillConflictError where this process does not work on the run
   */
  async assertServes(
    declared: DeclaredBackfill,
    run: RunRecord,
    action: AdoptingAction,
    adoptVersion: string | null,
  ): Promise<void> {
    const problem = this.checks.problem(declared.name);
    // A process of another version may ask for the adoption: the one that is deployed first, or has no workers.
    const differs = (backfill: RegisteredBackfill) =>
      adoptVersion === null ? this.differs(backfill, run, action) : this.walks.difference(backfill, run);
    const refusal = problem ?? refusalOf(served(await this.binder.bind(declared, run), differs));
    if (refusal !== null) {
      throw new BackfillConflictError(
        `Run ${run.id} of backfill "${declared.name}" cannot be ${PAST_TENSE[action]}: ${refusal}.`,
      );
    }
  }

  private differs(
    backfill: RegisteredBackfill,
    run: RunRecord,
    action: AdoptingAction = 'resume',
  ): string | null {
    // Before the version, as no version can be adopted where the source is another one.
    return this.walks.difference(backfill, run) ?? versionRefusal(backfill, run, action);
  }
}

function served(binding: Binding, differs: (backfill: RegisteredBackfill) => string | null): Binding {
  const refusal = 'backfill' in binding ? differs(binding.backfill) : null;
  return refusal === null ? binding : { refusal };
}

function refusalOf(binding: Binding): string | null {
  return 'refusal' in binding ? binding.refusal : null;
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
