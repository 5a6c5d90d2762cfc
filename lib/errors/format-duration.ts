const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Formats milliseconds in at most two adjacent units: `2 d 3 h`, `4 min 10 s`, `0 s`. */
export function formatDuration(ms: number): string {
  let seconds = Math.max(0, Math.round(ms / 1000));
  const terms: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0 || (unit === 's' && terms.length === 0)) {
      terms.push(`${count} ${unit}`);
    } else if (terms.length > 0) {
      break;
    }
  }
  return terms.slice(0, 2).join(' ');
}
