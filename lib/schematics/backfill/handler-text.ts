import type { HandlerShape } from '../../handlers/handler-shape.js';
import type { Entity } from './entity.js';
import type { HandlerNames } from './handler-names.js';

/** How a table is walked. */
export type SourceKind = 'id-range' | 'keyset';

/** All that a handler's text depends on. */
export interface HandlerPlan extends HandlerNames {
  readonly shape: HandlerShape;
  readonly source: SourceKind;
  readonly entity: Entity;
  /** Where the entity is imported from. */
  readonly entityFrom: string;
}

/** The source of a handler that compiles and changes nothing yet. */
export function handlerText(plan: HandlerPlan): string {
  const { entity, className, name, source } = plan;
  const row = entity.isClass ? entity.name : `${entity.name}Row`;
  const factory = source === 'keyset' ? 'keyset' : 'idRange';
  const range = source === 'keyset' ? 'KeysetRange' : 'IdRange';
  const walk =
    source === 'keyset'
      ? `keyset(${entity.name}, { orderBy: { ${entity.key}: 'asc' } })`
      : `idRange(${entity.name}${entity.key === 'id' ? '' : `, { key: '${entity.key}' }`})`;
  const handler = { range: 'RangeHandler', batch: 'BatchHandler', row: 'RowHandler' }[plan.shape];
  const generic = plan.shape === 'range' ? `${handler}<${range}<${row}>>` : `${handler}<${row}>`;
  const types = ['BackfillContext', handler, ...(plan.shape === 'range' ? [range] : [])].toSorted();
  return [
    ...(entity.isClass ? [] : [`import type { InferEntity } from '@mikro-orm/core';`]),
    `import { Backfill, ${factory} } from 'nestjs-backfill';`,
    `import type { ${types.join(', ')} } from 'nestjs-backfill';`,
    `import { ${entity.name} } from '${plan.entityFrom}';`,
    '',
    ...(entity.isClass ? [] : [`type ${row} = InferEntity<typeof ${entity.name}>;`, '']),
    `@Backfill({`,
    `  name: '${name}',`,
    `  source: ${walk},`,
    `  config: { batchSize: 100, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },`,
    `})`,
    `export class ${className} implements ${generic} {`,
    ...METHODS[plan.shape](row, range, entity.name),
    `}`,
    '',
  ].join('\n');
}

const METHODS: Readonly<Record<HandlerShape, (row: string, range: string, entity: string) => string[]>> = {
  range: (row, range, entity) => [
    `  // Called again after a crash: rows that are done already have to stay as they are.`,
    `  async processRange(range: ${range}<${row}>, { em }: BackfillContext): Promise<number> {`,
    `    const rows = await em.find(${entity}, range.where);`,
    `    // Change the rows here.`,
    `    await em.flush();`,
    `    return rows.length;`,
    `  }`,
  ],
  batch: (row) => [
    `  // Called again after a crash: rows that are done already have to stay as they are.`,
    `  async processBatch(rows: ${row}[], { logger }: BackfillContext): Promise<void> {`,
    `    // Change the rows here; they are flushed for you.`,
    `    logger.debug?.(\`\${rows.length} rows\`);`,
    `  }`,
  ],
  row: (row) => [
    `  // Called again after a crash: a row that is done already has to stay as it is.`,
    `  async processRow(row: ${row}, { em, signal }: BackfillContext): Promise<void> {`,
    `    signal.throwIfAborted();`,
    `    // Change the row here; it is flushed for you.`,
    `    em.persist(row);`,
    `  }`,
  ],
};
