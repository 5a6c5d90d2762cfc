import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../bench-plan.js';
import { WAIT_MS } from '../handlers.js';

/** What one would write by hand for a slow API: so many rows at once, until all are done. */
export async function open(): Promise<Role> {
  return {
    loop: async (rows: number, atOnce: number) => {
      const from = performance.now();
      let next = 0;
      const lane = async () => {
        while (next < rows) {
          next++;
          await sleep(WAIT_MS);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
      return performance.now() - from;
    },
  };
}
