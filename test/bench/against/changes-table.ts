import { alignColumns, figure } from '../table.js';
import type { Change } from './changes.js';

/** A table for the console. */
export function describeChanges(label: string, changes: readonly Change[]): string {
  return alignColumns([
    ['', 'this', label, 'unit', 'ratio', 'min..max', 'better', 'worse in'],
    ...changes.map(({ name, unit, current, earlier, ratios, ratio, better, worse }) => [
      name,
      figure(current),
      figure(earlier),
      unit,
      ratio.toFixed(3),
      `${Math.min(...ratios).toFixed(3)}..${Math.max(...ratios).toFixed(3)}`,
      better ?? '-',
      worse === null ? '-' : `${worse} of ${ratios.length} rounds`,
    ]),
  ]);
}
