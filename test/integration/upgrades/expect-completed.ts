import type { BackfillStatus } from 'nestjs-backfill';
import { NAMES, RANGES, ROWS, type Name } from './backfills.js';
import type { Handled, UpgradeBench } from './upgrade-bench.js';
import type { Operations } from './version-process.js';

export interface Expected {
  /** Who handled the rows of each backfill. */
  readonly handled: (name: Name) => Handled;
  /** How many ranges each had in the end; the planned ones by default. */
  readonly ranges?: (name: Name, status: BackfillStatus) => number;
  readonly names?: readonly Name[];
  /** Whether a row that was in flight in a killed process may be handled more than once by its successor. */
  readonly killed?: boolean;
}

/** Waits until the runs are over, and holds their status against the tables. */
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
    expect({ name, handled: await bench.handled(name, killed) }).toEqual({ name, handled: handled(name) });
  }
  return over;
}
