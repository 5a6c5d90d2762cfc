import type { HandlerShape } from '../../handlers/handler-shape.js';
import type { Entity } from './entity.js';
import type { HandlerNames } from './handler-names.js';

/** Source factory of a handler: `idRange` or `keyset`. */
export type SourceKind = 'id-range' | 'keyset';

/** Variables of the templates of a handler and its test. */
export interface HandlerTemplateOptions extends HandlerNames {
  readonly shape: HandlerShape;
  readonly source: SourceKind;
  readonly entity: Entity;
  /** Import specifier of the entity. */
  readonly entitySpecifier: string;
}

/** Renders a handler that compiles and changes no rows yet. */
export function renderHandler(options: HandlerTemplateOptions): string {
  const { entity, className, name, source, shape } = options;
  const row = entity.isClass ? entity.name : `${entity.name}Row`;
  const factory = source === 'keyset' ? 'keyset' : 'idRange';
  const range = source === 'keyset' ? 'KeysetRange' : 'IdRange';
  const sourceCall =
    source === 'keyset'
      ? `keyset(${entity.name}, { orderBy: { ${entity.key}: 'asc' } })`
      : `idRange(${entity.name}${entity.key === 'id' ? '' : `, { key: '${entity.key}' }`})`;
  const handler = { range: 'RangeHandler', batch: 'BatchHandler', row: 'RowHandler' }[shape];
  const generic = shape === 'range' ? `${handler}<${range}<${row}>>` : `${handler}<${row}>`;
  const types = ['BackfillContext', handler, ...(shape === 'range' ? [range] : [])].toSorted();
  return [
    ...(entity.isClass ? [] : [`import type { InferEntity } from '@mikro-orm/core';`]),
    `import { Backfill, ${factory} } from 'nestjs-backfill';`,
    `import type { ${types.join(', ')} } from 'nestjs-backfill';`,
    `import { ${entity.name} } from '${options.entitySpecifier}';`,
    '',
    ...(entity.isClass ? [] : [`type ${row} = InferEntity<typeof ${entity.name}>;`, '']),
    `@Backfill({`,
    `  name: '${name}',`,
    `  source: ${sourceCall},`,
    `  config: { batchSize: 100, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },`,
    `})`,
    `export class ${className} implements ${generic} {`,
    ...METHODS[shape](row, range, entity.name),
    `}`,
    '',
  ].join('\n');
}

const METHODS: Readonly<Record<HandlerShape, (row: string, range: string, entity: string) => string[]>> = {
  range: (row, range, entity) => [
    `  // Called at least once for each row, so it must be idempotent.`,
    `  async processRange(range: ${range}<${row}>, { em }: BackfillContext): Promise<number> {`,
    `    const rows = await em.find(${entity}, range.where);`,
    `    // Change the rows here.`,
    `    await em.flush();`,
    `    return rows.length;`,
    `  }`,
  ],
  batch: (row) => [
    `  // Called at least once for each row, so it must be idempotent.`,
    `  async processBatch(rows: ${row}[], { logger }: BackfillContext): Promise<void> {`,
    `    // Change the rows here; the changes are flushed automatically.`,
    `    logger.debug?.(\`\${rows.length} rows\`);`,
    `  }`,
  ],
  row: (row) => [
    `  // Called at least once for each row, so it must be idempotent.`,
    `  async processRow(row: ${row}, { em, signal }: BackfillContext): Promise<void> {`,
    `    signal.throwIfAborted();`,
    `    // Change the row here; the change is flushed automatically.`,
    `    em.persist(row);`,
    `  }`,
  ],
};
