import { HttpStatus, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { catchError, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { isUnreachable } from '../../database/classify-error.js';
import { BackfillConfigError } from '../../errors/backfill-config.error.js';
import { BackfillConflictError } from '../../errors/backfill-conflict.error.js';
import { BackfillError } from '../../errors/backfill-error.js';
import { BackfillNotFoundError } from '../../errors/backfill-not-found.error.js';
import { BackfillParamsError } from '../../errors/backfill-params.error.js';
import { BackfillRequestError } from '../../errors/backfill-request.error.js';
import { BackfillSourceError } from '../../errors/backfill-source.error.js';
import { BackfillUnavailableError } from '../../errors/backfill-unavailable.error.js';
import { isOutOfMemory } from '../../redis/redis-memory.js';
import { httpError } from './http-error.js';
import type { FieldError } from './http-error.js';

const DATABASE_UNAVAILABLE = 'BACKFILL_DATABASE_UNAVAILABLE';

/** Turns errors of this library into `HttpException`s, so that the exception filters of the app handle them. */
@Injectable()
export class ErrorInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError((error: unknown) => throwError(() => toHttpError(error))));
  }
}

/** Errors that are neither this library's nor an outage are returned unchanged. */
function toHttpError(error: unknown): unknown {
  if (error instanceof BackfillError && isUnreachable(error)) {
    return httpError(503, DATABASE_UNAVAILABLE, error.message, [], error);
  }
  if (error instanceof BackfillError) {
    return httpError(statusOf(error), error.code, error.message, fieldsOf(error), error);
  }
  if (isOutOfMemory(error)) {
    const message = 'Redis is out of memory and refuses to write. Raise its maxmemory, then try again.';
    return httpError(503, 'BACKFILL_REDIS_FULL', message, [], error);
  }
  if (isUnreachable(error)) {
    const message = 'The database does not answer. Try again later.';
    return httpError(503, DATABASE_UNAVAILABLE, message, [], error);
  }
  return error;
}

function statusOf(error: BackfillError): number {
  if (error instanceof BackfillNotFoundError) {
    return HttpStatus.NOT_FOUND;
  }
  if (error instanceof BackfillConflictError) {
    return HttpStatus.CONFLICT;
  }
  if (error instanceof BackfillRequestError || error instanceof BackfillParamsError) {
    return HttpStatus.BAD_REQUEST;
  }
  if (error instanceof BackfillUnavailableError) {
    return HttpStatus.SERVICE_UNAVAILABLE;
  }
  if (error instanceof BackfillConfigError) {
    // An invalid config in Redis or in the code is not the client's mistake.
    const isRequested = ['configure', 'start', 'budget'].includes(error.where.origin);
    return isRequested ? HttpStatus.BAD_REQUEST : HttpStatus.INTERNAL_SERVER_ERROR;
  }
  if (error instanceof BackfillSourceError) {
    return error.code === 'BACKFILL_SOURCE_BOUNDS'
      ? HttpStatus.BAD_REQUEST
      : HttpStatus.INTERNAL_SERVER_ERROR;
  }
  return HttpStatus.INTERNAL_SERVER_ERROR;
}

function fieldsOf(error: BackfillError): FieldError[] {
  if (error instanceof BackfillConfigError || error instanceof BackfillParamsError) {
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
