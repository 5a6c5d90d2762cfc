import { createHash } from 'node:crypto';

/** A row of a range by its position, and its random number. */
export interface DrawnPosition {
  readonly position: number;
  readonly number: number;
}

/**
 * Draws the rows of a range whose random number in [0, 1) is at most `limit`, as if each row had one, and of these the
 * `most` smallest. The numbers depend
 * on the seed alone, so a range that is processed again draws the same rows.
 *
 * Only as many numbers are made as rows are drawn, and one more: the smallest of n numbers is drawn by its distribution,
 * then the next of the n - 1 that are left (sequential generation of order statistics, L. Devroye, Non-Uniform Random
 * Variate Generation, 1986, V.3).
 */
export function drawRows(seed: string, rows: number, limit: number, most: number): DrawnPosition[] {
  const drawn: DrawnPosition[] = [];
  // The positions of a shuffle that are not where they were.
  const moved = new Map<number, number>();
  let number = 0;
  for (let i = 0; i < Math.min(rows, most); i++) {
    const [forNumber, forPosition] = uniforms(`${seed}|${i}`);
    number = 1 - (1 - number) * Math.pow(1 - forNumber, 1 / (rows - i));
    if (number > limit) {
      break;
    }
    const at = i + Math.floor(forPosition * (rows - i));
    drawn.push({ position: moved.get(at) ?? at, number });
    moved.set(at, moved.get(i) ?? i);
  }
  return drawn;
}

/** Two independent numbers in [0, 1), of 48 bits each. */
function uniforms(seed: string): [number, number] {
  const digest = createHash('sha1').update(seed).digest();
  return [digest.readUIntBE(0, 6) / 2 ** 48, digest.readUIntBE(6, 6) / 2 ** 48];
}
