import { z } from 'zod';
import { CANARY_STATES } from '../../state/canary.js';
import type { CanaryStatus, CanaryVerdict, CanaryVerification } from '../../state/canary.js';
import type { SampleConfidence } from '../../state/sample-confidence.js';
import type { VerificationResult } from '../../state/verification.js';
import { count, text } from './response-fields.js';
import type { Shape } from './response-fields.js';

export const verified = z
  .object({
    left: count
      .nullable()
      .describe('Rows that matched the filter of the source when they were last counted; null: not counted'),
    swept: count.describe('Rows that sweeps processed'),
    sampled: count.describe('Rows of the sample that were read again and verified'),
    mismatched: count.describe('Rows of the sample that are wrong'),
    confidence: z
      .object({
        level: z.number().describe('0.95'),
        low: z.number().describe('Least share of wrong rows, 0 to 1'),
        high: z.number().describe('Largest share of wrong rows, 0 to 1'),
      } satisfies Shape<SampleConfidence>)
      .nullable()
      .describe('What the sample tells of all rows; null: no row was sampled yet'),
  } satisfies Shape<VerificationResult>)
  .nullable()
  .describe('What the verification of the run has found so far; null: the run is not verified');

export const canary = z
  .object({
    rows: count.describe('Most rows to hand out'),
    maxFailures: count.describe('Most failures with which it passes'),
    handedOut: count.describe('Rows handed out so far'),
    state: z.enum(CANARY_STATES),
    verdict: z
      .object({
        passed: z.boolean(),
        reason: text,
        rowsDone: count,
        rowsFailed: count,
        failures: count,
        rowsMissing: count,
        rowsRepeated: count.describe('Rows of ranges that were claimed again'),
        rowsRechecked: count,
        throttles: count.describe('Times that the run was held or slowed down'),
        durationMs: z.number().describe('From the start of the run to the verdict'),
        msPerRow: z.number().nullable().describe('Of the ranges that succeeded; null: not measured'),
        verified: z
          .object({
            sampled: count.describe('Rows that were read again and verified'),
            mismatched: count.describe('Those of them that are wrong'),
          } satisfies Shape<CanaryVerification>)
          .nullable()
          .describe('What verify.row says of the rows; null: the handler has none, or failures came before'),
      } satisfies Shape<CanaryVerdict>)
      .nullable()
      .describe('null: not all rows are done'),
  } satisfies Shape<CanaryStatus>)
  .nullable()
  .describe('The first rows of the run, after which it pauses itself; null: it has no canary');
