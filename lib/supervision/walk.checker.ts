import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { RunRecord } from '../state/run-record.js';
import { walkChanges } from '../state/walk-changes.js';
import type { Walk } from '../state/walk-changes.js';

/** The part of a walk that names the database. A run without it is in the database of the module. */
const DATABASE = 'database context';

type StartedRun = Pick<RunRecord, 'sourceKind' | 'walk' | 'partitions'>;

/**
 * Checks whether the source of this process walks a run as the source did that the run was started with. If not, a
 * range that is outstanding has other rows here: this process must neither plan nor process any.
 */
@Injectable()
export class WalkChecker {
  private readonly walks = new WeakMap<RegisteredBackfill['source'], Walk>();

  constructor(private readonly managers: EntityManagers) {}

  /**
   * The walk of the source of a backfill in this process, with the database where that is not the one of the module; empty
   * where its source does not describe it.
   */
  walkOf(backfill: RegisteredBackfill): Walk {
    const { name, source, contextName } = backfill;
    const known = this.walks.get(source);
    if (known) {
      return known;
    }
    const walk = {
      ...source.walk?.({ em: this.managers.fork(backfill), backfill: name }),
      ...(contextName === undefined ? {} : { [DATABASE]: contextName }),
    };
    this.walks.set(source, walk);
    return walk;
  }

  /** What differs from the walk of the run and what to do, in words; `null` where nothing does. */
  difference(backfill: RegisteredBackfill, run: StartedRun): string | null {
    const changes = this.changes(backfill, run);
    return changes.length === 0
      ? null
      : `its source is another one in this version of the app: ${changes.join('; ')}. ` +
          'Deploy the source as it was, then resume; or cancel the run and start another';
  }

  /** How the rows of the source, in whatever order, differ from those of the source that the run was started with. */
  rowChanges(backfill: RegisteredBackfill, { walk, sourceKind }: StartedRun): string[] {
    if (walk === null) {
      return [];
    }
    const started = withoutOrder(walk);
    const current = withoutOrder(this.walkOf(backfill));
    const described = Object.keys(started).length > 0 && Object.keys(current).length > 0;
    if (!described) {
      const { kind } = backfill.source;
      return kind === sourceKind ? [] : [`kind was ${sourceKind} and is ${kind}`];
    }
    const added = Object.keys(current).filter((part) => !(part in started));
    return [...walkChanges(started, current), ...added.map((part) => `${part} is new`)];
  }

  private changes(backfill: RegisteredBackfill, { sourceKind, walk, partitions }: StartedRun): string[] {
    const { source } = backfill;
    if (source.kind !== sourceKind) {
      return [`kind was ${sourceKind} and is ${source.kind}`];
    }
    const started = walk ?? source.walkOfBounds?.(partitions ?? []) ?? {};
    try {
      const current = this.walkOf(backfill);
      const isMoved = !(DATABASE in started) && backfill.contextName !== undefined;
      return [
        ...walkChanges(started, current),
        ...(isMoved ? [`${DATABASE} was that of the module and is ${current[DATABASE]}`] : []),
      ];
    } catch (error) {
      return [`its walk cannot be described (${String(error)})`];
    }
  }
}

function withoutOrder(walk: Walk): Walk {
  return Object.fromEntries(Object.entries(walk).filter(([part]) => part !== 'order'));
}
