import type { ForecastRange } from '../state/backfill-forecast.js';

/** 0.95 quantiles of Student's t distribution for 1, 2, … degrees of freedom; beyond them that of the normal one. */
const T = [6.314, 2.92, 2.353, 2.132, 2.015, 1.943, 1.895, 1.86, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761];
const T_BEYOND = 1.7;

/** The mean of measured values, with its 90 % interval; one value is taken for right within a factor of two. */
export function meanInterval(values: readonly number[]): ForecastRange | null {
  const count = values.length;
  if (count === 0) {
    return null;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) {
    return { low: mean / 2, expected: mean, high: mean * 2 };
  }
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const margin = (T[count - 2] ?? T_BEYOND) * Math.sqrt(variance / count);
  return { low: Math.max(0, mean - margin), expected: mean, high: mean + margin };
}

export function scaled({ low, expected, high }: ForecastRange, factor: number): ForecastRange {
  return { low: low * factor, expected: expected * factor, high: high * factor };
}

export function mapRange(range: ForecastRange | null, map: (value: number) => number): ForecastRange | null {
  return range && { low: map(range.low), expected: map(range.expected), high: map(range.high) };
}
