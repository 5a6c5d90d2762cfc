import type { BackfillStatus } from 'nestjs-backfill';
import { NAMES, RANGES, ROWS, type Name } from './backfills.js';
import type { Handled } from './handled-rows.js';
import type { UpgradeBench } from './upgrade-bench.js';
import type { Operations } from './version-process.js';

export interface Expected {
  /** Which versions handled the rows of each backfill. */
  readonly handled: (name: Name) => Handled;
  /** How many ranges each has in the end; by default as many as the config of the handlers gives. */
  readonly ranges?: (name: Name, status: BackfillStatus) => number;
  readonly names?: readonly Name[];
  /** Locks are short where a process is killed: a busy machine may let a range run twice in its successor. */
  readonly killed?: boolean;
}

/** Waits until the runs are over, and compares their status with the tables. */
export async function expectCompleted(
  bench: UpgradeBench,
  backfills: Operations,
  { handled, ranges = () => RANGES, names = NAMES, killed = false }: Expected,
): Promise<BackfillStatus[]> {
  const over = await bench.until(
    backfills,
    'the run to be over',
    ({ state }) => state !== 'running' && state !== 'paused',
    names,
  );
  for (const status of over) {
    const name = status.name as Name;
    expect(status).toMatchObject({
      state: 'completed',
      planned: ranges(name, status),
      done: ranges(name, status),
      outstanding: 0,
      failed: 0,
      rowsDone: ROWS,
      rowsFailed: 0,
      rowsTotal: ROWS,
      percent: 100,
    });
    expect({ name, handled: await bench.handled.of(name, killed) }).toEqual({ name, handled: handled(name) });
  }
  return over;
}
