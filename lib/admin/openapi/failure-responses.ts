import { z } from 'zod';
import type { BackfillFailure, FailurePage } from '../../state/backfill-failure.js';
import type { FailureGroup, FailureGroups } from '../../state/failure-group.js';
import { count, time, text, json, error } from './response-fields.js';
import type { Shape } from './response-fields.js';

const failureResponse = z.object({
  id: text,
  kind: z.enum(['range', 'row']),
  key: json,
  error,
  attempts: count,
  failedAt: time,
} satisfies Shape<BackfillFailure>);

export const failuresResponse = z.object({
  items: z.array(failureResponse),
  next: text.nullable().describe('Cursor of the next page, for `after`; null on the last page'),
} satisfies Shape<FailurePage>);

export const failureGroupsResponse = z.object({
  total: count.describe('Failures in all groups'),
  groups: z.array(
    z.object({
      id: text.describe('For `group` of failures and of a retry'),
      error: text.describe('Class of the error'),
      message: text.describe('With … in the place of its varying parts'),
      count,
      rows: count,
      firstAt: time,
      lastAt: time,
      example: failureResponse.describe('The newest failure'),
    } satisfies Shape<FailureGroup>),
  ),
} satisfies Shape<FailureGroups>);
