import {
  ConnectionException,
  DeadlockException,
  DriverException,
  InvalidFieldNameException,
  LockWaitTimeoutException,
  ReadOnlyException,
  TableNotFoundException,
  UniqueConstraintViolationException,
} from '@mikro-orm/core';
import {
  concernsRun,
  classifyError,
  isContended,
  isTimeout,
  mayConcernRow,
} from '../../../lib/database/classify-error.js';
import { BackfillSourceError } from '../../../lib/errors/backfill-source.error.js';

/** An error as a driver throws it. */
const raw = (fields: object, message = 'it said') => Object.assign(new Error(message), fields);
/** The same as MikroORM wraps it. */
const wrapped = (fields: object, message?: string) => new DriverException(raw(fields, message));
const kinds = (errors: readonly unknown[]) => errors.map((error) => classifyError(error).kind);

describe('classifyError', () => {
  it('holds a run while its database is unreachable, whichever it is', () => {
    const errors = [
      wrapped({ code: '57P01' }),
      wrapped({ code: 'ECONNREFUSED', errno: -111 }),
      wrapped({ code: 'PROTOCOL_CONNECTION_LOST' }),
      wrapped({ code: 'ER_CON_COUNT_ERROR', errno: 1040 }),
      wrapped({}, "Can't add new command when connection is in closed state"),
      raw({ code: 'ER_SERVER_SHUTDOWN', sqlState: '08S01' }),
      wrapped({ code: 11600, codeName: 'InterruptedAtShutdown' }),
      wrapped({}, 'connection 3 to 127.0.0.1:27017 closed'),
      wrapped({ cause: { code: 'ECONNREFUSED' } }, 'connect ECONNREFUSED 127.0.0.1:27017'),
      raw({ name: 'MongoNetworkError' }, 'read ECONNRESET'),
      new ConnectionException(raw({ code: 'SQLITE_CANTOPEN' })),
      new ConnectionException(raw({ errno: 2005 })),
    ];
    expect(kinds(errors)).toEqual(errors.map(() => 'unreachable'));
    expect(errors.every(concernsRun)).toBe(true);
  });

  it('tells a statement that PostgreSQL cannot read from a broken connection of the same code', () => {
    const [statement, pooler, server] = [
      wrapped({ code: '08P01', severity: 'ERROR', file: 'pqformat.c' }),
      wrapped({ code: '08P01', severity: 'FATAL' }),
      wrapped({ code: '08P01', severity: 'FATAL', file: 'postgres.c' }),
    ];
    expect(kinds([statement, pooler, server])).toEqual(['failure', 'unreachable', 'unreachable']);
  });

  it('pauses a run in which no range can succeed', () => {
    const errors = [
      wrapped({ code: '42501' }),
      new TableNotFoundException(raw({ code: 'ER_NO_SUCH_TABLE', errno: 1146 })),
      new TableNotFoundException(raw({ code: 'SQLITE_ERROR' })),
      new InvalidFieldNameException(raw({ code: 'SQLITE_ERROR' })),
      new ReadOnlyException(raw({})),
      new ConnectionException(raw({ code: 'ER_TABLEACCESS_DENIED_ERROR', errno: 1142 })),
      raw({ code: 'SQLITE_FULL', name: 'SqliteError' }),
      wrapped({ code: 13, codeName: 'Unauthorized' }),
    ];
    expect(kinds(errors)).toEqual(errors.map(() => 'fatal'));
  });

  it('pauses a run whose file or array has changed, and tries a malformed record once', () => {
    const codes = [
      'BACKFILL_SOURCE_CHANGED',
      'BACKFILL_SOURCE_ROW',
      'BACKFILL_SOURCE_KEY',
      'BACKFILL_SOURCE_INVALID',
    ] as const;
    const errors = codes.map((code) => {
      const problem = { backfill: 'prices', entity: 'a file', field: 'line 2', remedy: 'Correct it.' };
      return new BackfillSourceError({ ...problem, code, expected: 'a record', received: 'another' });
    });
    expect(kinds(errors)).toEqual(['fatal', 'final', 'failure', 'failure']);
    expect(errors.map((error) => mayConcernRow(error))).toEqual([false, false, false, false]);
  });

  it('retries a row or range after a deadlock or a lock timeout', () => {
    const errors = [
      new DeadlockException(raw({ code: '40P01' })),
      raw({ code: '40001', severity: 'ERROR' }),
      raw({ code: '55P03', severity: 'ERROR' }),
      new DeadlockException(raw({ code: 'ER_LOCK_DEADLOCK', errno: 1213 })),
      new LockWaitTimeoutException(raw({ code: 'SQLITE_BUSY' })),
      new LockWaitTimeoutException(raw({ code: 'unknown' })),
      raw({ code: 'SQLITE_BUSY_SNAPSHOT', name: 'SqliteError' }),
      wrapped({ code: 112, codeName: 'WriteConflict' }),
    ];
    expect(kinds(errors)).toEqual(errors.map(() => 'failure'));
    expect(errors.every(isContended)).toBe(true);
    expect(errors.some(concernsRun)).toBe(false);
  });

  it("takes an error of a handler's own connections for a failure of the range", () => {
    const errors = [
      raw({ code: 'ECONNREFUSED' }),
      raw({ code: 'ER_NO_SUCH_TABLE' }),
      raw({}, 'connection 3 to api.example.org:443 closed'),
      new UniqueConstraintViolationException(raw({ code: 'ER_DUP_ENTRY', errno: 1062 })),
      'a text',
      null,
    ];
    expect(kinds(errors)).toEqual(errors.map(() => 'failure'));
    expect(errors.some(isContended)).toBe(false);
  });
});

it.each([
  wrapped({ code: '57014' }),
  wrapped({ code: 'ER_STATEMENT_TIMEOUT' }, 'Query execution was interrupted (max_statement_time exceeded)'),
  wrapped({ code: 50, codeName: 'MaxTimeMSExpired' }),
])('a statement that took too long is known (%s)', (error) => {
  expect(isTimeout(error)).toBe(true);
  expect(isTimeout(wrapped({ code: '42P01' }))).toBe(false);
});
