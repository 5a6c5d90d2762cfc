import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';

/** Routes of the page, of the event stream, of the overview and of what is about all backfills. */
const RESERVED_NAMES = ['ui', 'events', 'overview', 'hold', 'budget'];

/** Rejects names of backfills whose endpoints other routes would hide. */
@Injectable()
export class ReservedNameChecker implements OnApplicationBootstrap {
  constructor(private readonly registry: BackfillRegistry) {}

  onApplicationBootstrap(): void {
    const reserved = RESERVED_NAMES.find((name) => this.registry.find(name));
    if (reserved !== undefined) {
      throw new BackfillDefinitionError(
        `A backfill cannot be named "${reserved}" while the admin endpoints are mounted, which have a route of that ` +
          `name. Rename it: @Backfill({ name: '...' }).`,
      );
    }
  }
}
