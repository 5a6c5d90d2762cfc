import type { CanaryStatus, CanaryVerdict } from '../state/canary.js';
import { sampleConfidence } from '../state/sample-confidence.js';
import type { VerificationResult } from '../state/verification.js';

/** The canaries of several databases: it has passed only where each has. `null` where one of them has none. */
export function combineCanaries(canaries: readonly (CanaryStatus | null)[]): CanaryStatus | null {
  const all = canaries.filter((canary) => canary !== null);
  if (all.length === 0 || all.length < canaries.length) {
    return null;
  }
  const state = (['failed', 'running'] as const).find((each) => all.some((canary) => canary.state === each));
  const verdicts = all.map(({ verdict }) => verdict).filter((verdict) => verdict !== null);
  return {
    rows: sum(all.map(({ rows }) => rows)),
    maxFailures: sum(all.map(({ maxFailures }) => maxFailures)),
    handedOut: sum(all.map(({ handedOut }) => handedOut)),
    state: state ?? 'passed',
    verdict: state === 'failed' || verdicts.length === all.length ? combineVerdicts(verdicts) : null,
  };
}

function combineVerdicts(verdicts: readonly CanaryVerdict[]): CanaryVerdict | null {
  const leading = verdicts.find(({ passed }) => !passed) ?? verdicts[0];
  const samples = verdicts.map(({ verified }) => verified).filter((verified) => verified !== null);
  const total = (
    key:
      'rowsDone' | 'rowsFailed' | 'failures' | 'rowsMissing' | 'rowsRepeated' | 'rowsRechecked' | 'throttles',
  ) => sum(verdicts.map((verdict) => verdict[key]));
  return leading
    ? {
        passed: leading.passed,
        reason: leading.reason,
        rowsDone: total('rowsDone'),
        rowsFailed: total('rowsFailed'),
        failures: total('failures'),
        rowsMissing: total('rowsMissing'),
        rowsRepeated: total('rowsRepeated'),
        rowsRechecked: total('rowsRechecked'),
        throttles: total('throttles'),
        durationMs: Math.max(...verdicts.map(({ durationMs }) => durationMs)),
        msPerRow: null,
        verified:
          samples.length < verdicts.length
            ? null
            : {
                sampled: sum(samples.map(({ sampled }) => sampled)),
                mismatched: sum(samples.map(({ mismatched }) => mismatched)),
              },
      }
    : null;
}

/** The verifications of several databases; `null` where one of them is not verified. */
export function combineVerifications(
  results: readonly (VerificationResult | null)[],
): VerificationResult | null {
  const all = results.filter((result) => result !== null);
  if (all.length === 0 || all.length < results.length) {
    return null;
  }
  const lefts = all.map(({ left }) => left).filter((left) => left !== null);
  const sampled = sum(all.map((result) => result.sampled));
  const mismatched = sum(all.map((result) => result.mismatched));
  return {
    left: lefts.length < all.length ? null : sum(lefts),
    swept: sum(all.map(({ swept }) => swept)),
    sampled,
    mismatched,
    confidence: sampleConfidence(sampled, mismatched),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
