import { Injectable } from '@nestjs/common';
import { BackfillUnavailableError } from '../errors/backfill-unavailable.error.js';

/** A backfill whose checks have no result yet, or that they have refused. */
type OpenCheck =
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'refused'; readonly error: unknown };

/**
 * The backfills that this process must not work on: the database has not answered their checks since the app was
 * started, or has answered them with an error. Backfills that are not listed have passed.
 */
@Injectable()
export class BackfillChecks {
  private readonly open = new Map<string, OpenCheck>();

  /** @param reason what the database answered instead, in words */
  wait(backfill: string, reason: string): void {
    this.open.set(backfill, { kind: 'pending', reason });
  }

  refuse(backfill: string, error: unknown): void {
    this.open.set(backfill, { kind: 'refused', error });
  }

  pass(backfill: string): void {
    this.open.delete(backfill);
  }

  isPending(backfill: string): boolean {
    return this.open.get(backfill)?.kind === 'pending';
  }

  /** Names of the backfills whose checks wait for the database. */
  get pending(): string[] {
    return [...this.open.keys()].filter((name) => this.isPending(name));
  }

  /** Why this process does not work on the backfill, in words; `null` where it does. */
  problem(backfill: string): string | null {
    const check = this.open.get(backfill);
    if (check?.kind === 'pending') {
      return `the database has not answered since the app was started (${check.reason}), and the source is checked first`;
    }
    return check ? `its checks have refused it: ${withoutPeriod(messageOf(check.error))}` : null;
  }

  /** Throws `BackfillUnavailableError` where the checks wait for the database, and the error that they ended with. */
  assertPassed(backfill: string): void {
    const check = this.open.get(backfill);
    if (check?.kind === 'refused') {
      throw check.error;
    }
    if (check) {
      throw new BackfillUnavailableError(
        `The database has not answered since the app was started (${check.reason}), so backfill "${backfill}" could not ` +
          'be checked. Nothing was changed. Try again when the database answers.',
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withoutPeriod(text: string): string {
  return text.replace(/\.$/, '');
}
