import type { BackfillStatus } from 'nestjs-backfill';
import type { RemoteProcess } from '../../support/processes/index.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { createTables, fillRows } from '../bench-tables.js';
import { HEAP, MB } from '../pod-memory.js';

const LANES = 4;
const BATCH = 1_000;
const MOST_MEMORY = 1.1;
const LEAST_SPEED = 1;

/** A run with a journal and its undo: the memory of the process, and how fast rows are undone. */
export const undo: Benchmark = {
  name: 'undo',
  beside: 'the same with a tenth of the rows; the run that is undone',
  async run(arena) {
    const [few, many] = [arena.size(60_000, 2_000), arena.size(600_000, 4_000)];
    await createTables(arena, 'journal');
    const small = await measure(arena, few, few);
    const large = await measure(arena, few, many);
    const speed = large.run.ms / large.undo.ms;
    return [
      memory('undo, memory of the run', small.run, large.run),
      memory('undo, memory of the undo', small.undo, large.undo),
      {
        name: 'undo, speed',
        ours: (many * 1000) / large.undo.ms,
        other: (many * 1000) / large.run.ms,
        unit: 'rows/s',
        ratio: speed,
        target: `>= ${LEAST_SPEED.toFixed(1)} of the run`,
        met: speed >= LEAST_SPEED,
        spread: null,
        note: `${many.toLocaleString('en-US')} rows`,
      },
    ];
  },
};

interface Phase {
  readonly ms: number;
  /** Largest RSS in bytes. */
  readonly peak: number;
  readonly rows: number;
}

/** Runs and undoes so many rows in a process of its own. */
async function measure(
  arena: BenchArena,
  warmup: number,
  rows: number,
): Promise<{ readonly run: Phase; readonly undo: Phase }> {
  const app = await arena.fork(
    {
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: LANES, batchSize: BATCH },
      journaled: true,
    },
    [HEAP],
  );
  // What a process loads and compiles, and the room that its heap takes at full speed, belong to neither.
  await fillRows(arena, warmup);
  await app.call('run', 'entities');
  await app.call('undo', 'entities');
  await fillRows(arena, rows);
  const run = await phase(app, 'run', rows);
  const undone = await phase(app, 'undo', rows);
  const { conflicts } = await app.call<BackfillStatus>('status', 'entities');
  const [left] = await arena.sql<{ count: string }>('SELECT count(*) FROM bench_rows WHERE state <> 0');
  if (conflicts !== 0 || left?.count !== '0') {
    throw new Error(`Expected all rows to be undone: ${left?.count} are not, of ${conflicts} conflicts`);
  }
  await app.stop();
  await arena.sql('TRUNCATE backfill_journals, backfill_journal_rows');
  return { run, undo: undone };
}

async function phase(app: RemoteProcess, what: 'run' | 'undo', rows: number): Promise<Phase> {
  await app.call('watchMemory');
  const ms = await app.call<number>(what, 'entities');
  return { ms, rows, peak: await app.call<number>('peakMemory') };
}

function memory(name: string, small: Phase, large: Phase): Finding {
  const ratio = large.peak / small.peak;
  return {
    name,
    ours: large.peak / MB,
    other: small.peak / MB,
    unit: 'MB at the peak',
    ratio,
    target: `<= ${MOST_MEMORY} x`,
    met: ratio <= MOST_MEMORY,
    spread: null,
    note: `${large.rows.toLocaleString('en-US')} rows beside ${small.rows.toLocaleString('en-US')}, ${HEAP}`,
  };
}
