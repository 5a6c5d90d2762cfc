import { z } from 'zod';
import type { BackfillPreview, DatabasePreview, PreviewRange } from '../../planning/backfill-preview.js';
import type {
  Rehearsal,
  RehearsedRow,
  RehearsedStatements,
  RehearsedTable,
} from '../../rehearsal/rehearsal.js';
import { count, time, text, json } from './response-fields.js';
import type { Shape } from './response-fields.js';
import { forecast } from './forecast-fields.js';

export const previewResponse = z.object({
  ranges: z.array(
    z
      .looseObject({
        index: count,
        partition: text.optional(),
        begin: json.optional(),
        end: json.optional(),
        first: json.optional(),
        last: json.optional(),
        runAt: time.nullable(),
      } satisfies Shape<PreviewRange>)
      .describe('`begin` and `end`, or `first` and `last`, or the properties of a custom source'),
  ),
  total: count.describe('Ranges'),
  rowsTotal: count,
  rowsTotalKind: z.enum(['exact', 'estimated']),
  estimatedEnd: time.nullable(),
  forecast: forecast.nullable().describe('From the last rehearsal; null: there was none within an hour'),
  warnings: z.array(z.object({ code: text, message: text })),
  databases: z
    .array(
      z.object({
        partition: text,
        backfill: text,
        total: count.describe('Ranges'),
        rowsTotal: count,
        rowsTotalKind: z.enum(['exact', 'estimated']),
        estimatedEnd: time.nullable(),
        forecast: forecast.nullable(),
      } satisfies Shape<DatabasePreview>),
    )
    .optional()
    .describe('Each of the partitions where they are in several databases'),
} satisfies Shape<BackfillPreview>);

const columns = z
  .record(z.string(), text.nullable())
  .describe('Columns as text; a masked value is `***`, a long one is cut around the first difference');

export const rehearsalResponse = z.object({
  rows: z.array(
    z.object({
      key: json,
      before: columns,
      after: columns.nullable().describe('null: the handler has deleted the row'),
      changed: z.array(text).describe('Names of the columns that differ'),
    } satisfies Shape<RehearsedRow>),
  ),
  untouched: count.describe('How many of `rows` have not changed'),
  errors: z.array(z.object({ key: json, error: z.object({ name: text, message: text }) })),
  batches: count.describe('Each in a transaction that was rolled back'),
  statements: z.object({
    total: count,
    perBatch: z.number(),
    shapes: z.array(z.object({ sql: text, count })).describe('The most frequent ones, without values'),
  } satisfies Shape<RehearsedStatements>),
  msPerRow: z.number().nullable(),
  outside: z
    .array(z.object({ quota: text, calls: count }))
    .describe('Calls to third parties that the quota counted; they are not rolled back'),
  tables: z
    .array(
      z.object({
        table: text,
        inserted: count,
        updated: count,
        deleted: count,
      } satisfies Shape<RehearsedTable>),
    )
    .describe('Rows written in the transactions, by table; empty where the database does not count them'),
  forecast: forecast.nullable().describe('What a run over the whole walk will cost'),
  committed: text
    .nullable()
    .describe(
      'What the handler committed by itself, in words: it was not rolled back; null: nothing was found',
    ),
  partial: text.nullable().describe('Why there are fewer rows than were asked for; null: there are not'),
  notes: z.array(text),
} satisfies Shape<Rehearsal>);
