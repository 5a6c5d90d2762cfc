import type { Benchmark, Finding } from '../benchmark.js';
import { WAIT_MS } from '../handlers.js';
import { interleave } from '../rounds.js';

const WANTED = 0.95;
/** Rows at once. */
const MEASURED_AT = [50, 200];
/** Long enough that the start of a run weighs little. */
const SECONDS = 8;

/** Rows a second of work that waits for somebody else, in one process. */
export const api: Benchmark = {
  name: 'api',
  beside: `a pool written by hand, and the ideal: rows at once / ${WAIT_MS} ms`,
  async run(arena) {
    const app = await arena.fork({ role: 'app', keyPrefix: arena.keyPrefix() });
    const hand = await arena.fork({ role: 'pool', keyPrefix: '' });
    const findings: Finding[] = [];
    for (const atOnce of MEASURED_AT) {
      const ideal = (atOnce * 1000) / WAIT_MS;
      const rows = Math.ceil(ideal * arena.size(SECONDS, 0.2));
      const config = { rowConcurrency: atOnce, batchSize: Math.max(100, 50 * atOnce) };
      const compared = await interleave(
        arena.size(2, 1),
        async () => (rows * 1000) / (await app.call<number>('run', 'api', { from: rows, config })),
        async () => (rows * 1000) / (await hand.call<number>('loop', rows, atOnce)),
      );
      const efficiency = compared.ours / ideal;
      findings.push(
        {
          name: `api, ${atOnce} at once`,
          ...compared,
          unit: 'rows/s',
          target: 'none: to compare',
          met: true,
        },
        {
          name: `api, ${atOnce} at once, ideal`,
          ours: compared.ours,
          other: ideal,
          unit: 'rows/s',
          ratio: efficiency,
          target: `>= ${WANTED} of the ideal`,
          met: efficiency >= WANTED,
          spread: null,
        },
      );
    }
    return findings;
  },
};
