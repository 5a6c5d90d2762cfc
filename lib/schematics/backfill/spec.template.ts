import type { HandlerTemplateOptions } from './handler.template.js';

/** Renders a test that runs the handler as a dry run on the database of `DATABASE_URL`. */
export function renderSpec(options: HandlerTemplateOptions, driver: string, esm: boolean): string {
  const { className, name, entity, entitySpecifier } = options;
  return `import { MikroORM } from '${driver}';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { ${entity.name} } from '${entitySpecifier}';
import { ${className} } from './${name}.backfill${esm ? '.js' : ''}';

describe('${className}', () => {
  let orm: MikroORM;

  beforeAll(async () => {
    orm = await MikroORM.init({ clientUrl: process.env.DATABASE_URL, entities: [${entity.name}] });
  });

  afterAll(async () => {
    await orm.close();
  });

  it('processes every row in a dry run', async () => {
    const harness = new BackfillHarness(new ${className}(), { em: orm.em });

    const { state, failures } = await harness.runAll({ dryRun: true });

    expect(failures).toEqual([]);
    expect(state).toBe('completed');
  });
});
`;
}
