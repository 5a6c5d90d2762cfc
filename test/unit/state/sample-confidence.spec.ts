import { sampleConfidence } from '../../../lib/state/sample-confidence.js';

describe('sampleConfidence', () => {
  it('is unknown without a row', () => {
    expect(sampleConfidence(0, 0)).toBeNull();
  });

  it('follows the rule of three where no row is wrong', () => {
    expect(sampleConfidence(1000, 0)).toEqual({ level: 0.95, low: 0, high: 0.003 });
    expect(sampleConfidence(2, 0)).toEqual({ level: 0.95, low: 0, high: 1 });
  });

  // Computed with statsmodels.stats.proportion.proportion_confint(count, nobs, method='wilson').
  it.each([
    [1, 100, 0.00176684, 0.05448621],
    [10, 1000, 0.00544179, 0.01830622],
    [50, 100, 0.40383153, 0.59616847],
    [10, 10, 0.72246724, 1],
  ])('is the interval of Wilson where %i of %i are wrong', (wrong, sampled, low, high) => {
    const confidence = sampleConfidence(sampled, wrong);
    expect(confidence?.low).toBeCloseTo(low, 4);
    expect(confidence?.high).toBeCloseTo(high, 4);
  });
});
