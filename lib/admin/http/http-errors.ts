import { HttpException, HttpStatus } from '@nestjs/common';
import { BackfillConfigError } from '../../errors/backfill-config.error.js';
import { BackfillConflictError } from '../../errors/backfill-conflict.error.js';
import { BackfillError } from '../../errors/backfill-error.js';
import { BackfillNotFoundError } from '../../errors/backfill-not-found.error.js';
import { BackfillRequestError } from '../../errors/backfill-request.error.js';
import { BackfillSourceError } from '../../errors/backfill-source.error.js';
import { classifyError } from '../../database/classify-error.js';
import { isOutOfMemory } from '../../redis/out-of-memory.js';

/** A bad field of a request. */
export interface FieldError {
  readonly field: string;
  readonly expected: string;
  readonly received?: string;
}

/** An error in the shape of Nest's own, with a stable code and the fields it is about. */
export function httpError(
  statusCode: number,
  code: string,
  message: string,
  fields: readonly FieldError[] = [],
  cause?: unknown,
): HttpException {
  const [first] = fields;
  const body = {
    statusCode,
    message,
    error: WORDS[statusCode] ?? 'Error',
    code,
    ...(first ? { field: first.field, fields } : {}),
  };
  return new HttpException(body, statusCode, { cause });
}

/** What an error of this library means over HTTP; other errors stay what they are. */
export function toHttp(error: unknown): unknown {
  if (!(error instanceof BackfillError)) {
    return serverTrouble(error);
  }
  return httpError(statusOf(error), error.code, error.message, fieldsOf(error), error);
}

/** What the request is not to blame for, and will pass. */
function serverTrouble(error: unknown): unknown {
  if (isOutOfMemory(error)) {
    const message = 'Redis has no memory left and refuses to write. Give it more, and try again.';
    return httpError(503, 'BACKFILL_REDIS_FULL', message, [], error);
  }
  if (classifyError(error).kind === 'unreachable') {
    const message = 'The database does not answer. Try again when it is back.';
    return httpError(503, 'BACKFILL_DATABASE_UNAVAILABLE', message, [], error);
  }
  return error;
}

const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  412: 'Precondition Failed',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

function statusOf(error: BackfillError): number {
  if (error instanceof BackfillNotFoundError) {
    return HttpStatus.NOT_FOUND;
  }
  if (error instanceof BackfillConflictError) {
    return HttpStatus.CONFLICT;
  }
  if (error instanceof BackfillRequestError) {
    return HttpStatus.BAD_REQUEST;
  }
  if (error instanceof BackfillConfigError) {
    // What is corrupt in Redis or in the code is not the fault of the request.
    const asked = error.where.origin === 'configure' || error.where.origin === 'start';
    return asked ? HttpStatus.BAD_REQUEST : HttpStatus.INTERNAL_SERVER_ERROR;
  }
  if (error instanceof BackfillSourceError) {
    return SOURCE_STATUS[error.code] ?? HttpStatus.INTERNAL_SERVER_ERROR;
  }
  return HttpStatus.INTERNAL_SERVER_ERROR;
}

const SOURCE_STATUS: Readonly<Record<string, number>> = {
  BACKFILL_SOURCE_BOUNDS: HttpStatus.BAD_REQUEST,
  BACKFILL_SOURCE_TIMEOUT: HttpStatus.SERVICE_UNAVAILABLE,
};

function fieldsOf(error: BackfillError): FieldError[] {
  if (error instanceof BackfillConfigError) {
    return error.issues.map(({ field, expected, received }) => ({ field, expected, received }));
  }
  if (error instanceof BackfillRequestError) {
    return [{ field: error.field, expected: error.expected }];
  }
  if (error instanceof BackfillSourceError) {
    const { field, expected, received } = error.problem;
    return [{ field, expected, received }];
  }
  return [];
}
