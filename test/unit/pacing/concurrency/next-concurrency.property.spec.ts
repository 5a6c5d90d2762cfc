import fc from 'fast-check';
import { initialConcurrency } from '../../../../lib/pacing/concurrency/initial-concurrency.js';
import type { ConcurrencyState } from '../../../../lib/state/concurrency-state.js';
import type { LoadSignals } from '../../../../lib/pacing/concurrency/load-signals.js';
import { nextConcurrency } from '../../../../lib/pacing/concurrency/next-concurrency.js';

const STEP_MS = 250;

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 200 }))
  .map(([min, more]) => ({ min, max: min + more }));

const measured = fc.record({
  latencyMs: fc.option(fc.double({ min: 0.001, max: 100_000, noNaN: true })),
  ended: fc.integer({ min: 0, max: 1_000 }),
  usedPart: fc.double({ min: 0, max: 2, noNaN: true }),
  pressure: fc.oneof(
    fc.constant(null),
    fc.constant(0),
    fc.constant(1),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ),
  errors: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 5 })),
  steps: fc.integer({ min: 1, max: 40 }),
});

describe('nextConcurrency, with any signals', () => {
  it('stays within its bounds, raises only in calm and by half at most, and lowers by half at most', () => {
    fc.assert(
      fc.property(bounds, fc.array(measured, { maxLength: 60 }), (range, phases) => {
        let state = initialConcurrency(range, 0);
        let now = 0;
        for (const { steps, usedPart, ...rest } of phases) {
          for (let i = 0; i < steps; i++) {
            now += STEP_MS;
            const used = usedPart * state.value;
            const signals = { ...rest, now, used, processes: 1, pressureReason: 'pressed' };
            const next = nextConcurrency(state, signals, range);
            expectSound(state, next, signals);
            expect(next.value).toBeLessThanOrEqual(range.max);
            expect(next.value).toBeGreaterThanOrEqual(range.min * 0.1 - 1e-9);
            state = next;
          }
        }
      }),
    );
  });

  it('answers the same for the same state and signals, also after the state went through JSON', () => {
    fc.assert(
      fc.property(bounds, fc.array(measured, { maxLength: 30 }), (range, phases) => {
        let state = initialConcurrency(range, 0);
        let copy = state;
        phases.forEach(({ usedPart, ...rest }, i) => {
          const now = (i + 1) * STEP_MS;
          const signals = { ...rest, now, used: usedPart * state.value, processes: 2, pressureReason: '' };
          state = nextConcurrency(state, signals, range);
          copy = nextConcurrency(JSON.parse(JSON.stringify(copy)) as ConcurrencyState, signals, range);
        });
        expect(copy).toEqual(state);
      }),
    );
  });
});

function expectSound(
  before: ConcurrencyState,
  after: ConcurrencyState,
  { now, used, pressure, errors }: LoadSignals,
) {
  expect(Number.isFinite(after.value) && after.value > 0).toBe(true);
  expect(after.reason).not.toBe('');
  expect(after.since).toBe(after.value === before.value ? before.since : now);
  if (after.value > before.value) {
    expect(pressure).not.toBeNull();
    expect(pressure).toBeLessThan(0.1);
    expect(errors).toBe(0);
    expect(after.value).toBeLessThanOrEqual(before.value * 1.5 + 1e-9);
  }
  expect(after.value).toBeGreaterThanOrEqual(Math.min(before.value, used) * 0.5 * 0.85 - 1e-9);
}
