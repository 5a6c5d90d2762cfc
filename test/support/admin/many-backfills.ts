import type { Provider } from '@nestjs/common';
import { NonRetryableError } from 'nestjs-backfill';
import type { BackfillConfigPatch, BackfillService } from 'nestjs-backfill';
import { defineBackfill, eventually, numbers } from '../apps/index.js';

const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
const SLOW = { perSecondOnPeak: 2, perSecondOffPeak: 2 };
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };

interface Kind {
  readonly count: number;
  readonly rows: number;
  readonly config: BackfillConfigPatch;
  /** Names of partitions, each with so many rows. */
  readonly partitions?: readonly string[];
  /** Throws for a row that fails. */
  readonly processRow?: (row: { id: number }) => void;
  /** What is done after the start. */
  readonly after?: 'pause' | 'cancel';
  /** `null`: it is never started. */
  readonly state: string | null;
}

const KINDS: Readonly<Record<string, Kind>> = {
  failed: { count: 5, rows: 20, config: { ...UNPACED, batchSize: 20 }, processRow: fail, state: 'failed' },
  broken: {
    count: 3,
    rows: 20,
    config: { ...UNPACED, batchSize: 1, maxFailures: 2 },
    processRow: fail,
    state: 'paused',
  },
  held: { count: 4, rows: 500, config: HELD, state: 'running' },
  running: {
    count: 10,
    rows: 2000,
    partitions: ['eu', 'us'],
    config: { ...SLOW, batchSize: 3 },
    state: 'running',
  },
  paused: { count: 5, rows: 5000, config: SLOW, after: 'pause', state: 'paused' },
  done: { count: 12, rows: 30, config: { ...UNPACED, batchSize: 10 }, state: 'completed' },
  cancelled: { count: 4, rows: 5000, config: SLOW, after: 'cancel', state: 'cancelled' },
  never: { count: 18, rows: 100, config: {}, state: null },
};

/** 61 backfills, named after the state that `startMany` brings them to: `failed-01`, `never-18`. */
export function manyBackfills(): Provider[] {
  return each((name, { rows, partitions = [''], config, processRow = () => {} }) =>
    defineBackfill({
      name,
      description: `Moves the ${name.split('-')[0]} numbers to another form`,
      source: numbers(rows, { partitions }),
      config: { attempts: 1, backoffMs: 0, maxInitialFailures: null, ...config },
      processRow,
    }),
  );
}

/** Brings each of them to its state. */
export async function startMany(backfills: BackfillService): Promise<void> {
  const wanted = new Map<string, string>();
  await Promise.all(
    each(async (name, { state, after }) => {
      if (state === null) {
        return;
      }
      wanted.set(name, state);
      await backfills.start(name, { startedBy: 'ada', reason: 'ticket 4711' });
      if (after) {
        await backfills[after](name, { by: 'carol', reason: 'the table is locked' });
      }
    }),
  );
  await eventually(
    'each backfill to be in its state',
    () => backfills.list(),
    (statuses) =>
      statuses.every(({ name, state, workers }) =>
        // Without its workers a run that has just been started is said to have none.
        wanted.has(name)
          ? wanted.get(name) === state && (state !== 'running' || workers > 0)
          : state === 'idle',
      ),
  );
}

function each<T>(make: (name: string, kind: Kind) => T): T[] {
  return Object.entries(KINDS).flatMap(([kindName, kind]) =>
    Array.from({ length: kind.count }, (_, i) => make(`${kindName}-${String(i + 1).padStart(2, '0')}`, kind)),
  );
}

function fail({ id }: { id: number }): void {
  const error =
    id % 4 === 0 ? `timeout after ${id} ms` : `duplicate key value violates "orders_pkey": (id)=(${id})`;
  throw new NonRetryableError(error);
}
