import assert from 'node:assert/strict';
import type { BackfillFailure, BackfillStatus, FailurePage } from 'nestjs-backfill';
import type { Child } from './fleet.js';
import type { Arena, Outcome } from './scenario.js';

/** What the table says. */
export interface TableCount {
  readonly rows: number;
  readonly poison: number;
  readonly untouched: number;
  readonly repeated: number;
  readonly most: number;
}

export async function countRows(arena: Arena): Promise<TableCount> {
  const [count] = await arena.sql<TableCount>(`
    SELECT count(*)::int AS rows,
           count(*) FILTER (WHERE poison)::int AS poison,
           count(*) FILTER (WHERE touches = 0 AND NOT poison)::int AS untouched,
           count(*) FILTER (WHERE touches > 1)::int AS repeated,
           coalesce(max(touches), 0)::int AS most
      FROM chaos_rows`);
  assert(count);
  return count;
}

export async function allFailures(operator: Child, name: string): Promise<BackfillFailure[]> {
  const items: BackfillFailure[] = [];
  let after: string | null = null;
  do {
    const page: FailurePage = await operator.call(
      'failures',
      name,
      after === null ? {} : { after, limit: 100 },
    );
    items.push(...page.items);
    after = page.next;
  } while (after !== null);
  return items;
}

/** Holds a finished run against the table: promise 1 and 6. */
export async function verify(
  arena: Arena,
  operator: Child,
  status: BackfillStatus,
  { faults, mostTouches }: { faults: number; mostTouches: number },
): Promise<Outcome> {
  const count = await countRows(arena);
  const failures = await allFailures(operator, status.name);
  assert.equal(status.state, count.poison > 0 ? 'failed' : 'completed', JSON.stringify(status));
  assert.equal(count.untouched, 0, `${count.untouched} rows were never handled`);
  assert(count.most <= mostTouches, `a row was handled ${count.most} times, at most ${mostTouches} allowed`);
  assert.equal(failures.length, count.poison, 'quarantined rows');
  assert.equal(new Set(failures.map(({ key }) => JSON.stringify(key))).size, count.poison, 'kept once each');
  assert.equal(status.outstanding, 0);
  assert.equal(status.planned, status.done + status.failed, 'planned = done + failed');
  assert.equal(status.rowsDone, count.rows - count.poison, 'rowsDone');
  assert.equal(status.rowsFailed, count.poison, 'rowsFailed');
  return {
    faults,
    rows: count.rows,
    atLeastOnce: true,
    exactlyOnce: true,
    note: `${count.repeated} repeated`,
  };
}
