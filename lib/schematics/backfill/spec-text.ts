import type { HandlerPlan } from './handler-text.js';

/** The source of a test that rehearses the handler on the database of `DATABASE_URL`. */
export function specText(plan: HandlerPlan, driver: string, esm: boolean): string {
  const { className, name, entity, entityFrom } = plan;
  return `import { MikroORM } from '${driver}';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { ${entity.name} } from '${entityFrom}';
import { ${className} } from './${name}.backfill${esm ? '.js' : ''}';

describe('${className}', () => {
  let orm: MikroORM;

  beforeAll(async () => {
    orm = await MikroORM.init({ clientUrl: process.env.DATABASE_URL, entities: [${entity.name}] });
  });

  afterAll(async () => {
    await orm.close();
  });

  it('handles every row, in a rehearsal that is rolled back', async () => {
    const harness = new BackfillHarness(new ${className}(), { em: orm.em });

    const { state, failures } = await harness.runAll({ dryRun: true });

    expect(failures).toEqual([]);
    expect(state).toBe('completed');
  });
});
`;
}
