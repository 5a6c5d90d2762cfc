import { Injectable } from '@nestjs/common';
import { BackfillNotFoundError } from '../errors/backfill-not-found.error.js';
import type { DeclaredBackfill } from './registered-backfill.js';

/** Holds the backfills of the app by name. */
@Injectable()
export class BackfillRegistry {
  private readonly backfills = new Map<string, DeclaredBackfill>();

  add(backfill: DeclaredBackfill): void {
    this.backfills.set(backfill.name, backfill);
  }

  find(name: string): DeclaredBackfill | undefined {
    return this.backfills.get(name);
  }

  /** Throws `BackfillNotFoundError` that lists the known names. */
  get(name: string): DeclaredBackfill {
    const found = this.backfills.get(name);
    if (!found) {
      const parts = this.partitionsOf(name);
      if (parts.length > 0) {
        throw new BackfillNotFoundError(
          `The partitions of backfill ${JSON.stringify(name)} are in several databases, and each is a backfill of its own: ` +
            `${parts.join(', ')}. Name one of them.`,
        );
      }
      const known = [...this.backfills.keys()].toSorted().join(', ') || 'none';
      throw new BackfillNotFoundError(
        `There is no backfill ${JSON.stringify(name)} in this app. Known: ${known}. Is its handler among the ` +
          'providers of a module that the app imports?',
      );
    }
    return found;
  }

  /** The names of the backfills of the partitions of a `@Backfill` that are in several databases; none of another name. */
  partitionsOf(name: string): string[] {
    return [...this.backfills.values()].filter(({ group }) => group === name).map((each) => each.name);
  }

  all(): DeclaredBackfill[] {
    return [...this.backfills.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}
