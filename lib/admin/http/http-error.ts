import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';

/** An invalid field of a request. */
export interface FieldError {
  readonly field: string;
  readonly expected: string;
  readonly received?: string;
}

/** An error with the body of Nest's own, a stable code and the invalid fields. */
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
    error: STATUS_CODES[statusCode] ?? 'Error',
    code,
    ...(first ? { field: first.field, fields } : {}),
  };
  return new HttpException(body, statusCode, { cause });
}
