import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';

/** Names that are addresses of their own. */
const TAKEN = ['ui', 'events'];

/** Refuses names under which a backfill could not be reached. */
@Injectable()
export class NameCheck implements OnApplicationBootstrap {
  constructor(private readonly registry: BackfillRegistry) {}

  onApplicationBootstrap(): void {
    const taken = TAKEN.find((name) => this.registry.find(name));
    if (taken !== undefined) {
      throw new BackfillDefinitionError(
        `The name "${taken}" of a backfill is an address of the admin endpoints. Give it another: ` +
          `@Backfill({ name: '...' }).`,
      );
    }
  }
}
