import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../../support/processes/index.js';
import { createTables, fillRows } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { bootRegistered, startRegistered } from '../registered-app.js';
import { median, quantile } from '../statistics.js';

const MOST_MS = 20;
const RUNNING = 30;
/** Ms from an answer to the next request. */
const PAUSE_MS = 20;

/** The list of an app with many backfills, of which some run at a range a second each in the same process. */
export const list: Benchmark = {
  name: 'list',
  beside: 'the list of the same app with one backfill, which does not run',
  async run(arena) {
    await Promise.all([fillRows(arena, 10_000), createTables(arena, 'ledger')]);
    const [backfills, running] = [arena.size(200, 10), arena.size(RUNNING, 2)];
    const requests = arena.size(400, 5);
    const one = await bootRegistered(arena, 1);
    const other = await requestMs(one, requests);
    await arena.end(one);
    const app = await bootRegistered(arena, backfills);
    await startRegistered(app, running);
    await sleep(arena.size(3_000, 200));
    const times = await requestMs(app, requests);
    const p95 = quantile(times, 0.95);
    return [
      {
        name: 'list, GET',
        ours: p95,
        other: quantile(other, 0.95),
        unit: 'ms (p95)',
        ratio: p95 / MOST_MS,
        target: `p95 <= ${MOST_MS} ms`,
        met: p95 <= MOST_MS,
        spread: null,
        note: `${backfills} backfills, ${running} running; median ${median(times).toFixed(1)} ms, of ${requests}`,
      },
    ];
  },
};

/** Ms of each of so many requests of the list, one after another; as many before them do not count. */
async function requestMs(app: RemoteProcess, requests: number): Promise<number[]> {
  const url = await app.call<string>('url');
  const times: number[] = [];
  for (let request = 0; request < 2 * requests; request++) {
    const from = performance.now();
    await (await fetch(url)).json();
    times.push(performance.now() - from);
    await sleep(PAUSE_MS);
  }
  return times.slice(requests);
}
