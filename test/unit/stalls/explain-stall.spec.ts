import { explainStall, isConclusive } from '../../../lib/stalls/explain-stall.js';
import type { StallEvidence, WorkingProcess } from '../../../lib/stalls/explain-stall.js';
import { mysqlLocks, toMysqlWaits } from '../../../lib/stalls/locks/mysql-locks.js';
import { maskStatement } from '../../../lib/stalls/locks/mask-statement.js';
import { postgresLocks, toPostgresWaits } from '../../../lib/stalls/locks/postgres-locks.js';
import { decodeReport } from '../../../lib/state/work-report.js';
import type { WorkReport } from '../../../lib/state/work-report.js';

const NOW = Date.parse('2030-01-01T00:00:00.000Z');

const process = (id: string, patch: Partial<WorkReport> = {}, isBlocked = false): WorkingProcess => ({
  id,
  report: {
    at: NOW,
    forMs: 3_600_000,
    usualMs: 10,
    client: 7,
    ranges: [],
    pool: null,
    sessions: [],
    ...patch,
  },
  isBlocked,
});
const explain = (evidence: Partial<StallEvidence>) =>
  explainStall({
    processes: [],
    locks: { waits: [], areOwn: true, problem: null },
    leastWaitMs: 1_000,
    quietMs: 60_000,
    now: NOW,
    ...evidence,
  });
const lock = {
  pid: 5,
  waitedMs: 50_000,
  relation: 'items',
  lock: 'row',
  mode: 'ShareLock',
  query: 'update items',
  blockedBy: [
    {
      pid: 9,
      application: 'psql',
      user: 'eve',
      state: 'idle in transaction',
      forMs: 70_000,
      query: 'select ?',
      waitsFor: [],
    },
  ],
};
const pool = { context: 'default', size: 4, inUse: 4, ofLibrary: 1, waiting: 2, waitedMs: 55_000 };
const range = (patch = {}) => ({ index: 3, forMs: 58_000, abortedForMs: null, ...patch });

describe('the statement that reads the locks of a server of MySQL or MariaDB', () => {
  it.each([
    ['10.11.6-MariaDB-0+deb12u1', 'information_schema.innodb_lock_waits', 'max_statement_time = 2 for'],
    ['5.5.5-11.8.3-MariaDB-log', 'information_schema.innodb_lock_waits', 'max_statement_time = 2 for'],
    ['8.0.36', 'sys.innodb_lock_waits', '/*+ MAX_EXECUTION_TIME(2000) */'],
    ['8.0.mysql_aurora.3.04.0', 'sys.innodb_lock_waits', '/*+ MAX_EXECUTION_TIME(2000) */'],
    ['9.1.0-commercial', 'sys.innodb_lock_waits', '/*+ MAX_EXECUTION_TIME(2000) */'],
  ])('%s: reads %s, with %s', (version, table, limit) => {
    const statement = mysqlLocks(version, 2_000);
    expect(statement).toContain(` ${table} w`);
    expect(statement).toContain(limit);
  });
});

describe('what a stalled run waits for', () => {
  const waiting = process('b', { pool, ranges: [range({ abortedForMs: 20_000 })] });
  const blocked = process('a', { at: NOW - 9_000 }, true);

  it('is a blocked process before a lock, a lock before a connection, and that before a handler', () => {
    const locks = { waits: [lock], areOwn: true, problem: null };
    expect(explain({ processes: [waiting, blocked], locks })).toMatchObject({
      kind: 'event-loop',
      reason: 'process a, which has not reported for 9 s: its event loop is blocked',
      details: { process: 'a', reportedAt: '2029-12-31T23:59:51.000Z', lateMs: 9_000 },
    });
    expect(explain({ processes: [waiting], locks })).toMatchObject({
      kind: 'lock',
      reason: 'a row lock on items for 50 s, held by session 9 (psql), idle in transaction for 1 min 10 s',
    });
    expect(explain({ locks: { ...locks, areOwn: false } })).toMatchObject({
      kind: 'lock',
      notes: [
        'the session that waits may be that of another run or of the app, as the sessions of this run are not known',
      ],
    });
    expect(explain({ processes: [waiting] })).toMatchObject({
      kind: 'pool',
      details: { process: 'b', ...pool },
      reason:
        'a connection of the pool "default" in process b for 55 s: all 4 are in use, 1 of them by backfills',
    });
  });

  it('is a handler: one that ignores its signal, else one that was called long ago', () => {
    const stubborn = process('c', { ranges: [range({ index: 8, abortedForMs: 20_000 })], at: NOW - 2_000 });
    const slow = process('d', { ranges: [range(), range({ index: 4, forMs: 10 })] });
    const ignoring = explain({ processes: [slow, stubborn] });
    expect(ignoring).toMatchObject({
      kind: 'handler',
      reason: 'the handler of 1 range in process c for 1 min, which ignores its aborted signal',
      details: { process: 'c', ignoresSignal: true, ranges: [{ index: 8 }] },
    });
    const long = explain({ processes: [slow] });
    expect(long).toMatchObject({
      details: { ignoresSignal: false, ranges: [{ index: 3, since: '2029-12-31T23:59:02.000Z' }] },
    });
    expect([ignoring, long].map(isConclusive)).toEqual([true, false]);
  });

  it('is unknown where nothing is found, with what could not be looked into', () => {
    const nothing = explain({
      locks: { waits: [{ ...lock, waitedMs: 900 }], areOwn: false, problem: 'no permission' },
    });
    expect(nothing).toEqual({
      kind: 'unknown',
      reason: 'something unknown: no range is in process',
      notes: ['no permission'],
      details: {},
    });
    expect(isConclusive(nothing)).toBe(false);
  });
});

describe('locks', () => {
  it('of PostgreSQL are grouped by the session that waits; what the role may not see is null', () => {
    const row = {
      pid: 5,
      query: `update t set a = 'x' where id = 7`,
      locktype: 'transactionid',
      mode: 'ShareLock',
      waited_ms: 1200.4,
      relation: null,
      blocking_pid: 9,
      application_name: 'app',
      usename: 'eve',
      state: null,
      blocking_query: '<insufficient privilege>',
      blocking_ms: null,
      waits_for: '11,12',
    };
    expect(toPostgresWaits([row, { ...row, blocking_pid: 10, waits_for: '' }, row])).toEqual([
      {
        pid: 5,
        waitedMs: 1200,
        relation: null,
        lock: 'row',
        mode: 'ShareLock',
        query: 'update t set a = ? where id = ?',
        blockedBy: [9, 10].map((pid) => ({
          pid,
          application: 'app',
          user: 'eve',
          state: null,
          forMs: null,
          query: null,
          waitsFor: pid === 9 ? [11, 12] : [],
        })),
      },
    ]);
    expect(postgresLocks([1, 2.5])).toContain('pid in (1, 2)');
  });

  it('of InnoDB have the account that blocks', () => {
    const row = {
      pid: 5,
      query: 'update t set a = "x"',
      mode: 'X',
      relation: '`shop`.`t`',
      locktype: 'RECORD',
      waited_s: '3',
      blocking_pid: 6,
      blocking_query: null,
      blocking_s: 12,
      usename: 'eve',
      command: 'Sleep',
    };
    expect(toMysqlWaits([row])).toMatchObject([
      {
        pid: 5,
        waitedMs: 3_000,
        relation: 'shop.t',
        lock: 'row',
        query: 'update t set a = ?',
        blockedBy: [{ pid: 6, user: 'eve', state: 'Sleep', forMs: 12_000 }],
      },
    ]);
  });
});

it.each([
  [
    `select 'it''s', E'a\\'b', $$x ' y$$, $t$z$t$, $1 from t1 where a=-1.5e3 and b in (1, 2)`,
    'postgres',
    'select ?, ?, ?, ?, $1 from t1 where a=? and b in (?, ?)',
  ],
  [String.raw`select 'C:\' from "it's" where a = 'secret'`, 'postgres', `select ? from "it's" where a = ?`],
  [`select 'cut off by the ser`, 'postgres', 'select ?'],
  [
    `insert into t /* don't */ values (1) -- it's\n returning id`,
    'postgres',
    'insert into t values (?) returning id',
  ],
  [`select 1 # don't\n from t where name = 'secret'`, 'mysql', 'select ? from t where name = ?'],
  [`select 5--'1'\n, 'secret'`, 'mysql', 'select ?--? , ?'],
  [`select /* a /* b */ don't */ c from t where d = 'secret'`, 'postgres', 'select c from t where d = ?'],
  ['update `a"b` set name = "secret\'s" where id = 0xff', 'mysql', 'update `a"b` set name = ? where id = ?'],
] as const)('masks the values of %s', (sql, dialect, masked) => {
  expect(maskStatement(sql, dialect)).toBe(masked);
});

it('cuts a long statement off', () => {
  expect(maskStatement(`select ${'a, '.repeat(5_000)}`, 'postgres')).toHaveLength(300);
});

it.each(['', '[]', '{"at":1}'])('ignores a report that it cannot read: %s', (text) => {
  expect(decodeReport(text)).toBeNull();
});
