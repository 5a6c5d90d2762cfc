import { TableNotFoundException } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { allMetadata } from '../database/all-metadata.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import type { HandledBackfill, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { entityOf } from '../sources/source-entity.js';
import { asPostgresManager } from '../sources/sql/sql-manager.js';
import { BACKFILL_JOURNAL_ENTITIES } from './journal.entities.js';

/** Checks that the app meets the requirements of `undo`: PostgreSQL, the entities and the tables of the journal. */
@Injectable()
export class JournalChecker {
  /**
   * Does nothing for a backfill without `undo`.
   *
   * @throws BackfillDefinitionError with the line to add to the app
   */
  async check(
    em: EntityManager,
    backfill: HandledBackfill & Partial<Pick<RegisteredBackfill, 'source'>>,
  ): Promise<void> {
    const { name, source, undo } = backfill;
    if (!undo) {
      return;
    }
    if (!asPostgresManager(em)) {
      throw new BackfillDefinitionError(
        `Backfill "${name}" has the option undo, which needs PostgreSQL, but MikroORM has ` +
          `${em.getPlatform().constructor.name}. Leave out undo.`,
      );
    }
    // A source that depends on the parameters of a run is not known yet.
    if (undo.columns && source) {
      assertProperties(undo.columns, name, entityOf(source, { em, backfill: name })?.properties);
    }
    await checkTables(em, name);
  }
}

function assertProperties(
  columns: readonly string[],
  backfill: string,
  properties: object | undefined,
): void {
  if (!properties) {
    throw new BackfillDefinitionError(
      `The option undo.columns of backfill "${backfill}" needs a source with an entity, as idRange and keyset have. ` +
        'Leave out columns: all that the handler changes is journaled then.',
    );
  }
  const unknown = columns.filter((column) => !(column in properties));
  if (unknown.length > 0) {
    throw new BackfillDefinitionError(
      `The option undo.columns of backfill "${backfill}" must name properties of its entity ` +
        `(${Object.keys(properties).join(', ')}), got ${unknown.map((column) => JSON.stringify(column)).join(', ')}. ` +
        'Name them as the entity does, not as the table.',
    );
  }
}

async function checkTables(em: EntityManager, backfill: string): Promise<void> {
  const known = allMetadata(em);
  for (const schema of BACKFILL_JOURNAL_ENTITIES) {
    const meta = known.find(({ className }) => className === schema.meta.className);
    if (!meta) {
      throw new BackfillDefinitionError(
        `Backfill "${backfill}" has the option undo, but the entities of the journal are not among those of MikroORM. ` +
          'Add them:\n  MikroOrmModule.forRoot({ entities: [..., ...BACKFILL_JOURNAL_ENTITIES], ... }),   ' +
          "// import { BACKFILL_JOURNAL_ENTITIES } from 'nestjs-backfill'",
      );
    }
    try {
      await em.find(schema, {}, { limit: 1, fields: [...meta.primaryKeys] });
    } catch (error) {
      if (error instanceof TableNotFoundException) {
        throw new BackfillDefinitionError(
          `Backfill "${backfill}" has the option undo, but the table ${schema.meta.tableName} is missing. Add this line to ` +
            'the up of a migration, or generate one with npx mikro-orm migration:create:\n' +
            "  await createJournalSchema(this);   // import { createJournalSchema } from 'nestjs-backfill'",
          { cause: error },
        );
      }
      throw error;
    }
  }
}
