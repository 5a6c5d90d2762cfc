import { Migration, Migrator } from '@mikro-orm/migrations';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { batchExecute } from 'nestjs-backfill/migrations';
import { createTestDatabase } from '../../support/databases/index.js';

const Parcel = defineEntity({ name: 'Parcel', properties: { id: p.integer().primary() } });

/** Bounds of the executed steps. */
const steps: string[] = [];

class FillWeights extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override async up(): Promise<void> {
    await this.updateWeights('weight = id * 10', 'weight is null');
  }

  override async down(): Promise<void> {
    await this.updateWeights('weight = null', 'weight is not null');
  }

  private async updateWeights(change: string, where: string): Promise<void> {
    await batchExecute(this, {
      table: 'parcel',
      stepSize: 10,
      sql: ({ min, max }) => `update parcel set ${change} where ${where} and id >= ${min} and id < ${max}`,
      onProgress: ({ min, max }) => steps.push(`${min}-${max}`),
    });
  }
}

class FillInTransaction extends FillWeights {
  override isTransactional(): boolean {
    return true;
  }
}

const database = await createTestDatabase();
const migrations = (migration: typeof FillWeights) =>
  MikroORM.init({
    clientUrl: database.url,
    entities: [Parcel],
    extensions: [Migrator],
    migrations: {
      migrationsList: [{ name: migration.name, class: migration }],
      snapshot: false,
      silent: true,
    },
  });
const weights = () => database.query<{ weighed: number }>('SELECT count(weight)::int AS weighed FROM parcel');

beforeAll(async () => {
  await database.query('CREATE TABLE parcel (id int PRIMARY KEY, weight int)');
  await database.query('INSERT INTO parcel SELECT generate_series(1, 25)');
});

describe('batchExecute in a migration of MikroORM', () => {
  it('changes the table in up, and back in down', async () => {
    const orm = await migrations(FillWeights);
    try {
      await orm.migrator.up();
      expect(await weights()).toEqual([{ weighed: 25 }]);
      expect(steps.splice(0)).toEqual(['1-11', '11-21', '21-31']);
      expect(await orm.migrator.getExecuted()).toMatchObject([{ name: 'FillWeights' }]);

      await orm.migrator.down();
      expect(await weights()).toEqual([{ weighed: 0 }]);
      expect(steps).toHaveLength(3);
      expect(await orm.migrator.getExecuted()).toEqual([]);
    } finally {
      await orm.close();
    }
  });

  it('rejects a transactional migration and changes nothing', async () => {
    const orm = await migrations(FillInTransaction);
    try {
      await expect(orm.migrator.up()).rejects.toThrow('isTransactional() { return false; }');
      expect(await weights()).toEqual([{ weighed: 0 }]);
    } finally {
      await orm.close();
    }
  });
});
