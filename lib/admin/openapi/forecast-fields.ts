import { z } from 'zod';
import type { BackfillForecast, ForecastOutcome, ForecastRange } from '../../state/backfill-forecast.js';
import { count, time } from './response-fields.js';
import type { Shape } from './response-fields.js';

const forecastRange = z
  .object({ low: z.number(), expected: z.number(), high: z.number() } satisfies Shape<ForecastRange>)
  .nullable()
  .describe('With 90 % confidence from low to high; null: not known');

export const forecast = z.object({
  measuredAt: time,
  measured: z.object({ rows: count, batches: count }),
  rowsTotal: z.number(),
  durationMs: forecastRange,
  limitedBy: z.enum(['rate', 'quota', 'handler']).nullable(),
  msPerRow: forecastRange,
  databaseMs: forecastRange,
  walBytes: forecastRange,
  walBytesPerSecond: forecastRange,
  hotShare: z.number().nullable().describe('Share of updates that touch no index'),
  tableGrowthBytes: forecastRange,
  indexGrowthBytes: forecastRange,
  calls: forecastRange.describe('Calls to the third party'),
  quotaMs: forecastRange.describe('How long the quota makes these calls take'),
  untouched: forecastRange.describe('Share of rows that already have the result, with 95 % confidence'),
} satisfies Shape<BackfillForecast>);

export const forecastOutcome = z
  .object({
    forecast,
    actual: z.object({
      durationMs: z.number(),
      rows: count,
      rowsPerSecond: z.number(),
      serverWalBytes: z
        .number()
        .nullable()
        .describe(
          'Write-ahead log of the whole server from start to end, other writers included; null: not known',
        ),
    } satisfies Shape<ForecastOutcome['actual']>),
  } satisfies Shape<ForecastOutcome>)
  .nullable()
  .describe('What the run was forecast to cost, and what has come true; null: it was not rehearsed before');
