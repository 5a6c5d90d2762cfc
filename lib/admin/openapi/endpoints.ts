import { z } from 'zod';
import {
  actionBody,
  eventsQuery,
  failuresQuery,
  listQuery,
  previewQuery,
  retryBody,
  startBody,
} from '../admin.requests.js';
import {
  configAnswer,
  configPatch,
  failuresAnswer,
  historyAnswer,
  previewAnswer,
  receiptAnswer,
  retryAnswer,
  runAnswer,
  samplesAnswer,
  statusAnswer,
} from './answers.js';

/** What OpenAPI is told of an endpoint. */
export interface EndpointDescription {
  readonly summary: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType | 'event-stream';
  readonly status?: 201;
  /** What can go wrong, by status. */
  readonly errors: Readonly<Record<number, string>>;
}

const DENIED = {
  403: 'A guard says no, or the request comes from a foreign page',
  503: 'Redis or the database does not answer, or the process shuts down: try again',
};
const UNKNOWN = { ...DENIED, 404: 'No backfill has that name' };
const CHANGE = { ...UNKNOWN, 400: 'The request is wrong; `fields` says where', 415: 'The body is not JSON' };
const MOVE = { ...CHANGE, 409: 'The state of the backfill does not allow it' };
const NAME = { name: 'Name of the backfill' };
const READ = { ...UNKNOWN, 400: 'The request is wrong; `fields` says where' };

const move = (summary: string): EndpointDescription => ({
  summary,
  path: NAME,
  body: actionBody,
  answer: receiptAnswer,
  errors: MOVE,
});

/** The endpoints by the method that serves them. */
export const ENDPOINTS: Readonly<Record<string, EndpointDescription>> = {
  list: { summary: 'The status of every backfill', answer: z.array(statusAnswer), errors: DENIED },
  status: { summary: 'The status of a backfill', path: NAME, answer: statusAnswer, errors: UNKNOWN },
  start: {
    summary: 'Starts a run',
    path: NAME,
    headers: { 'Idempotency-Key': 'The same key answers the same run for a day' },
    body: startBody,
    answer: receiptAnswer,
    status: 201,
    errors: MOVE,
  },
  pause: move('Pauses the run in every process'),
  resume: move('Lets a paused run go on'),
  cancel: move('Ends the run for good; what is outstanding is dropped'),
  config: {
    summary: 'The config in force, with its version as ETag',
    path: NAME,
    answer: configAnswer,
    errors: UNKNOWN,
  },
  configure: {
    summary: 'Changes the config, in force within a second',
    path: NAME,
    headers: { 'If-Match': 'The ETag that was read: a config that changed since stays as it is' },
    body: configPatch.extend({ reason: z.string().max(500).optional() }),
    answer: configAnswer,
    errors: { ...CHANGE, 412: 'The config changed since' },
  },
  preview: {
    summary: 'What a run would do; nothing is started',
    path: NAME,
    query: previewQuery,
    answer: previewAnswer,
    errors: READ,
  },
  runs: {
    summary: 'The runs, newest first',
    path: NAME,
    query: listQuery,
    answer: z.array(runAnswer),
    errors: READ,
  },
  run: {
    summary: 'One run',
    path: { ...NAME, id: 'Id of the run' },
    answer: runAnswer,
    errors: { ...UNKNOWN, 404: 'No backfill or run is named so' },
  },
  failures: {
    summary: 'A page of failures, oldest first',
    path: NAME,
    query: failuresQuery,
    answer: failuresAnswer,
    errors: READ,
  },
  retry: {
    summary: 'Takes failures back into their run as work',
    path: NAME,
    body: retryBody,
    answer: retryAnswer,
    errors: MOVE,
  },
  samples: {
    summary: 'A sample a second of the newest run, newest first',
    path: NAME,
    answer: samplesAnswer,
    errors: UNKNOWN,
  },
  history: {
    summary: 'What was done, by whom and why, newest first',
    path: NAME,
    query: listQuery,
    answer: historyAnswer,
    errors: READ,
  },
  events: {
    summary: 'What happens from now on, as server-sent events; resumes after Last-Event-ID',
    query: eventsQuery,
    headers: { 'Last-Event-ID': 'The last event that was seen' },
    answer: 'event-stream',
    errors: { ...DENIED, 400: READ[400] },
  },
};
