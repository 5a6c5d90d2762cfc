import { z } from 'zod';
import {
  actionBody,
  conflictsQuery,
  eventsQuery,
  failureGroupsQuery,
  failuresQuery,
  historyQuery,
  holdBody,
  samplesQuery,
  listQuery,
  overrideBody,
  overviewQuery,
  previewBody,
  previewQuery,
  rehearseBody,
  resumeBody,
  retryBody,
  startBody,
  undoBody,
} from '../admin.requests.js';
import { budgetRequest, budgetResponse } from './budget-responses.js';
import { configResponse, configRequest } from './config-responses.js';
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

/** Description of an endpoint for OpenAPI. */
export interface EndpointDescription {
  readonly summary: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
  readonly response: z.ZodType | 'event-stream';
  readonly status?: 201;
  /** Description of each error status. */
  readonly errors: Readonly<Record<number, string>>;
}

const BASE_ERRORS = {
  401: 'A guard asks for authentication; the body is that of its exception',
  403: 'A guard denies access, or the request comes from a page of another origin',
  503: 'Redis or the database does not answer, or the process shuts down: try again later',
};
const NAMED_ERRORS = { ...BASE_ERRORS, 404: 'No backfill has this name' };
const QUERY_ERRORS = { ...NAMED_ERRORS, 400: 'The request is not valid; `fields` lists what is wrong' };
const CHANGE_ERRORS = { ...QUERY_ERRORS, 415: 'The body is not JSON' };
const ACTION_ERRORS = { ...CHANGE_ERRORS, 409: 'The state of the backfill does not allow the action' };
const NAME = { name: 'Name of the backfill' };

const action = (summary: string): EndpointDescription => ({
  summary,
  path: NAME,
  body: actionBody,
  response: receiptResponse,
  errors: ACTION_ERRORS,
});

/** The endpoints by the controller method that serves them. */
export const ENDPOINTS: Readonly<Record<string, EndpointDescription>> = {
  list: {
    summary: 'Lists the status of every backfill',
    response: z.array(statusResponse),
    errors: BASE_ERRORS,
  },
  overview: {
    summary: 'Returns the status of every backfill, or of those that have changed since a revision',
    query: overviewQuery,
    response: overviewResponse,
    errors: { ...BASE_ERRORS, 400: QUERY_ERRORS[400] },
  },
  globalHold: {
    summary: 'Returns the hold of all runs',
    response: holdResponse,
    errors: BASE_ERRORS,
  },
  hold: {
    summary: 'Holds all runs in every process; a hold that is in force gets the new reason and end',
    body: holdBody,
    response: holdReceiptResponse,
    errors: { ...BASE_ERRORS, 400: QUERY_ERRORS[400], 415: CHANGE_ERRORS[415] },
  },
  release: {
    summary: 'Releases the hold of all runs; runs that are paused stay so',
    body: actionBody,
    response: holdReceiptResponse,
    errors: { ...BASE_ERRORS, 400: QUERY_ERRORS[400], 415: CHANGE_ERRORS[415] },
  },
  budget: {
    summary: 'Returns the budget that all runs share, with its version as ETag, and the runs that use it',
    response: budgetResponse,
    errors: BASE_ERRORS,
  },
  configureBudget: {
    summary: 'Changes limits of the budget, `null` removes one; in force within a second',
    headers: { 'If-Match': 'The ETag that was read: a budget that has changed since is left as it is' },
    body: budgetRequest,
    response: budgetResponse,
    errors: {
      ...BASE_ERRORS,
      400: QUERY_ERRORS[400],
      412: 'The budget has changed since the version in If-Match',
      415: CHANGE_ERRORS[415],
    },
  },
  status: {
    summary: 'Returns the status of a backfill',
    path: NAME,
    response: statusResponse,
    errors: NAMED_ERRORS,
  },
  start: {
    summary: 'Starts a run',
    path: NAME,
    headers: {
      'Idempotency-Key': 'For a day, requests with the same key return the same run and start no other',
    },
    body: startBody,
    response: receiptResponse,
    status: 201,
    errors: ACTION_ERRORS,
  },
  pause: action('Pauses the run in every process'),
  resume: {
    ...action('Resumes a paused run, with another version of the handler where it is to adopt one'),
    body: resumeBody,
  },
  cancel: action('Cancels the run for good; outstanding ranges are dropped'),
  override: {
    summary: 'Loosens or tightens a throttle until a time, or ends that',
    path: NAME,
    body: overrideBody,
    response: overrideResponse,
    errors: CHANGE_ERRORS,
  },
  undo: {
    summary:
      'Starts a run that undoes another: rows get their old values back where others have not written them',
    path: NAME,
    body: undoBody,
    response: receiptResponse,
    errors: { ...ACTION_ERRORS, 404: 'No backfill has this name, or no run of it has this id' },
  },
  undoConflicts: {
    summary: 'Lists a page of the rows that an undo has left as they are, by table and key',
    path: NAME,
    query: conflictsQuery,
    response: conflictsResponse,
    errors: { ...QUERY_ERRORS, 404: 'No backfill has this name, or no run of it has this id' },
  },
  config: {
    summary: 'Returns the config in force, with its version as ETag',
    path: NAME,
    response: configResponse,
    errors: NAMED_ERRORS,
  },
  configure: {
    summary: 'Changes the config; in force within a second',
    path: NAME,
    headers: { 'If-Match': 'The ETag that was read: a config that has changed since is left as it is' },
    body: configRequest,
    response: configResponse,
    errors: { ...CHANGE_ERRORS, 412: 'The config has changed since the version in If-Match' },
  },
  preview: {
    summary: 'Returns what a run would do, without starting it',
    path: NAME,
    query: previewQuery,
    response: previewResponse,
    errors: QUERY_ERRORS,
  },
  rehearse: {
    summary: 'Runs the handler on random rows, rolls everything back, and returns each row before and after',
    path: NAME,
    body: rehearseBody,
    response: rehearsalResponse,
    errors: {
      ...ACTION_ERRORS,
      409: 'This process is rehearsing the backfill already, or all runs are held',
    },
  },
  previewOf: {
    summary: 'Returns what a run would do, without starting it; takes parameters that are secret, too',
    path: NAME,
    body: previewBody,
    response: previewResponse,
    errors: CHANGE_ERRORS,
  },
  runs: {
    summary: 'Lists the runs, newest first',
    path: NAME,
    query: listQuery,
    response: z.array(runResponse),
    errors: QUERY_ERRORS,
  },
  run: {
    summary: 'Returns a run',
    path: { ...NAME, id: 'Id of the run' },
    response: runResponse,
    errors: { ...NAMED_ERRORS, 404: 'No backfill has this name, or no run of it has this id' },
  },
  failures: {
    summary: 'Lists a page of failures, newest first, all or those of a group or with a text',
    path: NAME,
    query: failuresQuery,
    response: failuresResponse,
    errors: QUERY_ERRORS,
  },
  failureGroups: {
    summary: 'Groups all failures of a run by class and message, largest group first',
    path: NAME,
    query: failureGroupsQuery,
    response: failureGroupsResponse,
    errors: QUERY_ERRORS,
  },
  retry: {
    summary: 'Queues failed ranges and rows again',
    path: NAME,
    body: retryBody,
    response: retryResponse,
    errors: ACTION_ERRORS,
  },
  samples: {
    summary: 'Lists samples of the progress of a run, newest first',
    path: NAME,
    query: samplesQuery,
    response: samplesResponse,
    errors: QUERY_ERRORS,
  },
  history: {
    summary: 'Lists who did what, when and why, newest first, of all time page by page',
    path: NAME,
    query: historyQuery,
    response: historyResponse,
    errors: QUERY_ERRORS,
  },
  events: {
    summary: 'Streams new events as server-sent events, resuming after Last-Event-ID',
    query: eventsQuery,
    headers: { 'Last-Event-ID': 'Id of the last event received' },
    response: 'event-stream',
    errors: { ...BASE_ERRORS, 400: QUERY_ERRORS[400] },
  },
};
