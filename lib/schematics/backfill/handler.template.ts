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
  /** Whether the app's only database is MongoDB, which cannot lock rows. */
  readonly isMongo: boolean;
}

/** Renders a handler that compiles and changes no rows yet. */
export function renderHandler(options: HandlerTemplateOptions): string {
  const { entity, className, name, source, shape } = options;
  const row = entity.isClass ? entity.name : `${entity.name}Row`;
  const factory = source === 'keyset' ? 'keyset' : 'idRange';
  const range = source === 'keyset' ? 'KeysetRange' : 'IdRange';
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
    `  source: ${sourceCall(entity, source)},`,
    ...(options.isMongo && shape !== 'range'
      ? [`  guard: 'none', // MongoDB cannot lock documents that it has read.`]
      : []),
    `  config: { batchSize: 100, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },`,
    `})`,
    `export class ${className} implements ${generic} {`,
    `  // Called at least once for each row, so it must be idempotent.`,
    ...METHODS[shape](row, range, entity.name),
    `}`,
    '',
  ].join('\n');
}

function sourceCall({ name, key }: Entity, source: SourceKind): string {
  if (source === 'keyset') {
    return `keyset(${name}, { orderBy: { ${key.names.map((it) => `${it}: 'asc'`).join(', ')} } })`;
  }
  const [only = 'id'] = key.names;
  return `idRange(${name}${only === 'id' ? '' : `, { key: '${only}' }`})`;
}

/** Not async without an `await`: the lint rules of `nest new` refuse that. */
const METHODS: Readonly<Record<HandlerShape, (row: string, range: string, entity: string) => string[]>> = {
  range: (row, range, entity) => [
    `  async processRange(`,
    `    range: ${range}<${row}>,`,
    `    { em }: BackfillContext,`,
    `  ): Promise<number> {`,
    `    const rows = await em.find(${entity}, range.where);`,
    `    // Change the rows here.`,
    `    await em.flush();`,
    `    return rows.length;`,
    `  }`,
  ],
  batch: (row) => [
    `  processBatch(rows: ${row}[], { em }: BackfillContext): void {`,
    `    for (const row of rows) {`,
    `      // Change the row here; the change is flushed automatically.`,
    `      em.persist(row);`,
    `    }`,
    `  }`,
  ],
  row: (row) => [
    `  processRow(row: ${row}, { em, signal }: BackfillContext): void {`,
    `    signal.throwIfAborted(); // Make it async for calls of services, and pass the signal.`,
    `    // Change the row here; the change is flushed automatically.`,
    `    em.persist(row);`,
    `  }`,
  ],
};
