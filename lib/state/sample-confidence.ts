/** The level of confidence, as a fraction. */
const LEVEL = 0.95;
/** The 0.975 quantile of the standard normal distribution: 95 % of it lie within so many standard deviations. */
const Z = 1.959964;

/**
 * What a random sample of rows tells of all of them: with a confidence of `level`, the share of rows that are wrong is
 * from `low` to `high`.
 *
 * With none of n rows wrong, `high` is 3 / n (rule of three: J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is
 * everything all right?", JAMA 249, 1983). With some wrong, `low` and `high` are the interval of E. B. Wilson ("Probable
 * inference, the law of succession, and statistical inference", JASA 22, 1927). Both take the table as much larger than
 * the sample; for a smaller one they state more doubt than there is.
 *
 * @publicApi
 */
export interface SampleConfidence {
  /** 0.95. */
  readonly level: number;
  /** Least share of wrong rows, 0 to 1. */
  readonly low: number;
  /** Largest share of wrong rows, 0 to 1. */
  readonly high: number;
}

/** The confidence of a sample of which so many rows are wrong; `null` without a row. */
export function sampleConfidence(sampled: number, mismatched: number): SampleConfidence | null {
  if (sampled === 0) {
    return null;
  }
  if (mismatched === 0) {
    return { level: LEVEL, low: 0, high: Math.min(1, 3 / sampled) };
  }
  const share = mismatched / sampled;
  const square = Z ** 2 / sampled;
  const center = (share + square / 2) / (1 + square);
  const margin = (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / sampled + square / (4 * sampled));
  return { level: LEVEL, low: Math.max(0, center - margin), high: Math.min(1, center + margin) };
}
