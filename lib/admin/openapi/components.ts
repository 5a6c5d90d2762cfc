import { z } from 'zod';
import {
  actionBody,
  holdBody,
  overrideBody,
  previewBody,
  rehearseBody,
  resumeBody,
  retryBody,
  startBody,
  undoBody,
} from '../admin.requests.js';
import { budgetRequest, budgetResponse } from './budget-responses.js';
import { configRequest, configResponse } from './config-responses.js';
import { errorResponse, guardErrorResponse } from './error-responses.js';
import { failureGroupsResponse, failuresResponse } from './failure-responses.js';
import { holdReceiptResponse, holdResponse } from './hold-responses.js';
import { overrideResponse } from './override-responses.js';
import { previewResponse, rehearsalResponse } from './preview-responses.js';
import {
  conflictsResponse,
  historyResponse,
  receiptResponse,
  retryResponse,
  runResponse,
  samplesResponse,
} from './run-responses.js';
import { overviewResponse, statusResponse } from './status-responses.js';

/** Schemas of bodies and responses by their names in the document. Generated clients have a type of each name. */
const COMPONENTS: readonly (readonly [name: string, schema: z.ZodType, io: 'input' | 'output'])[] = [
  ['BackfillStatus', statusResponse, 'output'],
  ['BackfillOverview', overviewResponse, 'output'],
  ['BackfillHold', holdResponse, 'output'],
  ['BackfillHoldReceipt', holdReceiptResponse, 'output'],
  ['BackfillOverrideReceipt', overrideResponse, 'output'],
  ['BackfillBudgetStatus', budgetResponse, 'output'],
  ['BackfillReceipt', receiptResponse, 'output'],
  ['BackfillRetryReceipt', retryResponse, 'output'],
  ['BackfillConfigInForce', configResponse, 'output'],
  ['BackfillPreview', previewResponse, 'output'],
  ['BackfillRehearsal', rehearsalResponse, 'output'],
  ['BackfillRun', runResponse, 'output'],
  ['BackfillFailurePage', failuresResponse, 'output'],
  ['BackfillFailureGroups', failureGroupsResponse, 'output'],
  ['BackfillUndoConflictPage', conflictsResponse, 'output'],
  ['BackfillSample', samplesResponse.element, 'output'],
  ['BackfillHistoryEntry', historyResponse.element, 'output'],
  ['BackfillError', errorResponse, 'output'],
  ['BackfillGuardError', guardErrorResponse, 'output'],
  ['BackfillActionRequest', actionBody, 'input'],
  ['BackfillHoldRequest', holdBody, 'input'],
  ['BackfillOverrideRequest', overrideBody, 'input'],
  ['BackfillStartRequest', startBody, 'input'],
  ['BackfillRehearseRequest', rehearseBody, 'input'],
  ['BackfillPreviewRequest', previewBody, 'input'],
  ['BackfillResumeRequest', resumeBody, 'input'],
  ['BackfillRetryRequest', retryBody, 'input'],
  ['BackfillUndoRequest', undoBody, 'input'],
  ['BackfillConfigRequest', configRequest, 'input'],
  ['BackfillBudgetRequest', budgetRequest, 'input'],
];

/** A named schema of the document. */
export interface Component {
  readonly name: string;
  readonly schema: object;
}

/** All named schemas, as JSON Schema of OpenAPI 3.0. */
export function components(): Component[] {
  return COMPONENTS.map(([name, schema, io]) => ({ name, schema: toSchema(schema, io) }));
}

/** A reference to the named schema, an array of them, or the schema itself where it has no name. */
export function referenceTo(schema: z.ZodType, io: 'input' | 'output'): object {
  const name = COMPONENTS.find(([, named]) => named === schema)?.[0];
  if (name !== undefined) {
    return { $ref: `#/components/schemas/${name}` };
  }
  return schema instanceof z.ZodArray
    ? { type: 'array', items: referenceTo(schema.element as z.ZodType, io) }
    : toSchema(schema, io);
}

/** A schema as JSON Schema of OpenAPI 3.0. */
export function toSchema(schema: z.core.$ZodType, io: 'input' | 'output'): object {
  return withNullable(
    z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }),
  ) as object;
}

/** OpenAPI 3.0 allows `nullable` only beside `type`, so not beside `anyOf`, and an `enum` must list `null`, too. */
function withNullable(schema: unknown): unknown {
  if (Array.isArray(schema)) {
    return schema.map(withNullable);
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withNullable(value)]),
  ) as { nullable?: boolean; anyOf?: object[]; enum?: unknown[] };
  if (nullable === undefined) {
    return rest;
  }
  return rest.anyOf
    ? { ...rest, anyOf: rest.anyOf.map((option) => ({ ...option, nullable })) }
    : { ...rest, nullable, ...(rest.enum ? { enum: [...new Set([...rest.enum, null])] } : {}) };
}
