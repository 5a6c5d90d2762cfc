import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { DeclaredBackfill, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { entityOf } from '../sources/source-entity.js';

/** Finds the table that the rows of a run are in. */
@Injectable()
export class TableFinder {
  constructor(private readonly managers: EntityManagers) {}

  /**
   * Its name, with the schema where it has one; empty where it is not known.
   *
   * @param bound the backfill with the source of the run; that of an undo has the journal for a source
   */
  find(declared: DeclaredBackfill, bound: RegisteredBackfill): string {
    const own = typeof declared.declaredSource === 'function' ? bound.source : declared.declaredSource;
    const entity = entityOf(own, { em: this.managers.fork(declared), backfill: declared.name });
    return entity ? [entity.schema, entity.collection].filter((part) => part && part !== '*').join('.') : '';
  }
}
