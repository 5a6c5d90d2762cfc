import type { HandlerTemplateOptions } from './handler.template.js';

/**
 * Renders a test of the handler over rows of its own: in the in-memory database of the harness, which SQL entities can
 * use, or in a MongoDB database of its own at `MONGODB_URL`.
 */
export function renderSpec(options: HandlerTemplateOptions, esm: boolean): string {
  const { className, name, entity, entitySpecifier, isMongo } = options;
  const imports = [
    ...(isMongo ? [`import { MikroORM } from '@mikro-orm/mongodb';`] : []),
    `import { BackfillHarness } from 'nestjs-backfill/testing';`,
    `import { ${entity.name} } from '${entitySpecifier}';`,
    `import { ${className} } from './${name}.backfill${esm ? '.js' : ''}';`,
  ];
  const harness = `const harness = new BackfillHarness(new ${className}()${isMongo ? ', { em: orm.em }' : ''});`;
  return [
    ...imports,
    '',
    `describe('${className}', () => {`,
    ...(isMongo
      ? mongoDatabase(name, entity.name)
      : [`  ${harness}`, '', `  afterAll(() => harness.close());`, '']),
    `  it('handles every row', async () => {`,
    ...(isMongo ? [`    ${harness}`] : []),
    `    // Or the rows themselves, with the properties that matter: [{ ... }].`,
    `    await harness.seed(${entity.name}, 3);`,
    '',
    `    const { rowsDone, failures } = await harness.runAll();`,
    '',
    `    expect({ rowsDone, failures }).toEqual({ rowsDone: 3, failures: [] });`,
    `    // What the handler changed: expect(await harness.rows(${entity.name})).toMatchObject([...])`,
    `  });`,
    `});`,
    '',
  ].join('\n');
}

function mongoDatabase(name: string, entity: string): string[] {
  return [
    `  let orm: MikroORM;`,
    '',
    `  beforeAll(async () => {`,
    `    orm = await MikroORM.init({`,
    `      clientUrl: process.env.MONGODB_URL ?? 'mongodb://localhost:27017',`,
    `      dbName: '${name}-test',`,
    `      entities: [${entity}],`,
    `    });`,
    `    await orm.em.fork().nativeDelete(${entity}, {});`,
    `  });`,
    '',
    `  afterAll(async () => {`,
    `    await orm.close();`,
    `  });`,
    '',
  ];
}
