import { readFileSync } from 'node:fs';

/** How much of the processors other machines on the same host have had since, said where it is any. */
export function stolenShare(): () => string {
  const before = ticks();
  return () => {
    const after = ticks();
    const share = (after.stolen - before.stolen) / (after.all - before.all);
    return share > 0 ? `, ${(share * 100).toFixed(0)} % of the processors taken by others` : '';
  };
}

/** @see https://man7.org/linux/man-pages/man5/proc_stat.5.html */
function ticks(): { all: number; stolen: number } {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
    const counts = line.trim().split(/\s+/).slice(1, 9).map(Number);
    return { all: counts.reduce((sum, count) => sum + count, 0), stolen: counts[7] ?? 0 };
  } catch {
    // Only Linux tells.
    return { all: 1, stolen: 0 };
  }
}
