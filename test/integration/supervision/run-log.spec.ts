import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { BackfillApp, NumberRange } from '../../support/apps/index.js';

const bench = await createAppBench();

function handler() {
  return defineBackfill<NumberRange>({
    name: 'logged',
    source: numbers(1_000),
    config: { batchSize: 10, perSecondOnPeak: 0, perSecondOffPeak: 0 },
    processRange: ({ low, high }) => high - low + 1,
  });
}

/** What an app logs of changes of the state of a run, without its name and its id. */
function changesIn(lines: readonly string[]): string[] {
  return lines
    .filter((line) =>
      /^log \[logged run \S+\] (?:started|paused|resumed|cancelled|completed|failed|verifying|held)/.test(
        line,
      ),
    )
    .map((line) => line.replace(/^log \[logged run \S+\] /, '').replace(/done .* after/, 'done … after'));
}

/** Apps of one process share a logger: that of the last one has the lines of all. */
async function linesUntil(app: BackfillApp, change: string, processes: number): Promise<string[]> {
  return eventually(
    `the line "${change}" of each process`,
    () => changesIn(app.logs.lines),
    (changes) => changes.filter((line) => line.startsWith(change)).length >= processes,
  );
}

describe('a change of the state of a run', () => {
  it('is one line in every process that works on it, with who, why, and how far it is', async () => {
    const { backfills, finished } = await bench.start({ handlers: [handler()] });
    const last = await bench.start({ handlers: [handler()] });
    await backfills.start('logged', { startedBy: 'alice', reason: 'ticket 7' });
    await backfills.pause('logged', { by: 'bob', reason: 'lunch' });
    await backfills.resume('logged', { by: 'bob' });
    await backfills.configure('logged', { perSecondOnPeak: null, perSecondOffPeak: null });
    await finished('logged');
    const lines = await linesUntil(last, 'completed', 2);
    const expected = [
      'started by alice: ticket 7',
      'paused by bob: lunch; 0 of 1,000 rows done … after its start',
      'resumed by bob; 0 of 1,000 rows done … after its start',
      'completed; 1,000 of 1,000 rows done … after its start',
    ];
    expect(lines.toSorted((a, b) => a.localeCompare(b))).toEqual(
      [...expected, ...expected].toSorted((a, b) => a.localeCompare(b)),
    );
  });

  it('is not logged by a process without workers', async () => {
    await bench.start({ handlers: [handler()], options: { workers: false } });
    const last = await bench.start({ handlers: [handler()] });
    await last.backfills.start('logged');
    await last.backfills.cancel('logged', { by: 'bob' });
    expect(await linesUntil(last, 'cancelled', 1)).toEqual([
      'started',
      'cancelled by bob; 0 of 1,000 rows done … after its start',
    ]);
  });
});
