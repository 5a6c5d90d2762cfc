import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import type { BackfillConfig } from '../../../lib/config/backfill-config.js';
import type { RegisteredBackfill } from '../../../lib/handlers/registered-backfill.js';
import { NonRetryableError, RateLimitedError } from '../../../lib/errors/handler.errors.js';
import { backoffDelay, decideSettlement } from '../../../lib/processing/decide-settlement.js';
import type { Decision, SettlementContext } from '../../../lib/processing/decide-settlement.js';
import type { JsonValue } from '../../../lib/sources/backfill-source.js';
import { decodePayload, type RangeEntry, type RangePayload } from '../../../lib/state/range-entry.js';
import type { Settlement } from '../../../lib/state/range-steps.js';

const NOW = new Date('2021-06-14T10:00:00Z');
const backfill: RegisteredBackfill = {
  name: 'decided',
  description: null,
  version: null,
  onOtherVersion: 'warn',
  className: 'Decided',
  source: {
    kind: 'keys',
    open: () => Promise.reject(new Error('not asked')),
    plan: () => Promise.reject(new Error('not asked')),
  },
  shape: 'row',
  defaults: [],
  resolve: () => Promise.reject(new Error('not asked')),
};

const errors = fc.constantFrom<Error[]>(
  new Error('no'),
  new NonRetryableError('never'),
  new RateLimitedError(5000),
);
const config = fc
  .record({ attempts: fc.integer({ min: 1, max: 5 }), backoffMs: fc.integer({ min: 0, max: 5000 }) })
  .map((patch) => resolveConfig(patch));

/** Keys of rows, each with its outcome. */
const rows = fc
  .uniqueArray(fc.nat({ max: 500 }), { minLength: 1, maxLength: 30 })
  .chain((keys) =>
    fc.tuple(
      ...keys.map((key) =>
        fc.record({ key: fc.constant(key), fate: fc.constantFrom('done', 'left', 'failed'), error: errors }),
      ),
    ),
  );

function entryOf(keys: readonly JsonValue[], attempts: number): RangeEntry {
  const payload: RangePayload = { kind: 'rows', partition: 'eu', keys };
  return { index: 7, claims: 1, crashes: 0, attempts, rows: keys.length, payload };
}

function contextOf(
  entry: RangeEntry,
  settings: BackfillConfig,
  more: Partial<SettlementContext> = {},
): SettlementContext {
  const split = () => Promise.reject(new Error('rows are not split'));
  const concernsRun = () => Promise.reject(new Error('not asked'));
  return { backfill, entry, config: settings, aborted: false, now: NOW, split, concernsRun, ...more };
}

function settlementOf(decision: Decision): Settlement {
  if (decision.kind !== 'settle') {
    throw new Error(`Expected a settlement, got the decision to ${decision.kind}`);
  }
  return decision.settlement;
}

/** Keys that the settlement keeps, as successors or as failures. */
function keptKeys({ successors, failures }: Settlement): JsonValue[] {
  const payloads = [
    ...successors.map(({ payload }) => payload),
    ...failures.map(({ record }) => decodePayload((JSON.parse(record) as { payload: string }).payload)),
  ];
  return payloads.flatMap((payload) => (payload.kind === 'rows' ? payload.keys : [payload.range]));
}

const sorted = (keys: readonly JsonValue[]) => keys.map(Number).toSorted((a, b) => a - b);

describe('the settlement of rows', () => {
  const cases = fc.record({ all: rows, config, tried: fc.nat({ max: 4 }), aborted: fc.boolean() });

  it('makes each row that is not done a successor or a failure, once, or the range is released', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ all, config: settings, tried, aborted }) => {
        const of = (fate: string) => all.filter((row) => row.fate === fate);
        const entry = entryOf(
          all.map(({ key }) => key),
          Math.min(tried, settings.attempts - 1),
        );
        const outcome = {
          kind: 'partial' as const,
          rows: of('done').length,
          failed: of('failed'),
          remaining: of('left').map(({ key }) => key),
        };
        const decision = await decideSettlement(outcome, contextOf(entry, settings, { aborted }));
        const error = of('failed').at(-1)?.error ?? null;
        if (decision.kind === 'release') {
          expect(of('done')).toEqual([]);
          expect(decision).toEqual({ kind: 'release', error, escalate: false });
          return;
        }
        const settlement = settlementOf(decision);
        // What was only stopped, or has to wait, is no error of the run.
        const counted = of('failed').filter((row) => !aborted && !(row.error instanceof RateLimitedError));
        const last = counted.at(-1)?.error ?? null;
        expect(decision).toEqual({ kind: 'settle', settlement, error: last });
        expect(settlement.error === '').toBe(last === null);
        expect(settlement).toMatchObject({ entry, rowsDone: of('done').length });
        expect(sorted(keptKeys(settlement))).toEqual(
          sorted([...of('left'), ...of('failed')].map(({ key }) => key)),
        );
        expect(settlement.outcome).toBe(settlement.successors.length > 0 ? 'replaced' : 'done');
        for (const { attempts, delayMs } of settlement.successors) {
          expect(attempts).toBeLessThan(settings.attempts);
          expect([
            [entry.attempts, 0],
            [entry.attempts + 1, backoffDelay(entry.attempts + 1, settings.backoffMs)],
          ]).toContainEqual([attempts, delayMs]);
        }
      }),
    );
  });

  it('uses up no attempt of rows that were not started or whose third party asks to wait', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ all, config: settings, tried }) => {
        const entry = entryOf(
          all.map(({ key }) => key),
          Math.min(tried, settings.attempts - 1),
        );
        const failed = all.map(({ key }) => ({ key, error: new RateLimitedError(1234) }));
        const [last, ...waiting] = failed;
        const outcome = { kind: 'partial' as const, rows: 1, failed: waiting, remaining: [last?.key ?? 0] };
        const decision = await decideSettlement(outcome, contextOf(entry, settings));
        expect(decision).toMatchObject({ kind: 'settle', error: null });
        expect(settlementOf(decision).failures).toEqual([]);
        expect(settlementOf(decision).successors.map(({ attempts }) => attempts)).toEqual([entry.attempts]);
      }),
    );
  });
});

describe('the settlement of a range that failed', () => {
  const cases = fc.record({
    error: errors,
    config,
    tried: fc.nat({ max: 4 }),
    aborted: fc.boolean(),
    halves: fc.integer({ min: 0, max: 2 }),
  });

  it('is a retry, its halves or a failure, or the range is released', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ error, config: settings, tried, aborted, halves }) => {
        const payload: RangePayload = { kind: 'range', partition: '', range: [1, 10] };
        const attempts = Math.min(tried, settings.attempts - 1);
        const entry: RangeEntry = { index: 3, claims: 2, crashes: 0, attempts, rows: 10, payload };
        const pieces = Array.from({ length: halves }, (_, i) => ({
          payload: { ...payload, range: [i * 5 + 1, i * 5 + 5] },
          rows: 5,
        }));
        const outcome = { kind: 'failed' as const, error };
        const decision = await decideSettlement(
          outcome,
          contextOf(entry, settings, { aborted, split: () => Promise.resolve(pieces) }),
        );
        if (aborted || error instanceof RateLimitedError) {
          expect(decision).toEqual({ kind: 'release', error, escalate: !aborted });
          return;
        }
        const { successors, failures, outcome: counted, error: last } = settlementOf(decision);
        expect(decision).toMatchObject({ kind: 'settle', error, settlement: { entry, rowsDone: 0 } });
        expect(JSON.parse(last)).toMatchObject({ message: error.message, at: NOW.toISOString() });
        if (attempts + 1 < settings.attempts && !(error instanceof NonRetryableError)) {
          expect(counted).toBe('replaced');
          expect(successors).toEqual([
            {
              payload,
              rows: 10,
              attempts: attempts + 1,
              delayMs: backoffDelay(attempts + 1, settings.backoffMs),
            },
          ]);
          expect(failures).toEqual([]);
        } else if (halves === 2) {
          expect(counted).toBe('replaced');
          expect(successors.map((successor) => successor.payload)).toEqual(
            pieces.map((piece) => piece.payload),
          );
          expect(
            successors.every((successor) => successor.attempts === Math.max(1, settings.attempts - 1)),
          ).toBe(true);
          expect(failures).toEqual([]);
        } else {
          expect(counted).toBe('failed');
          expect(successors).toEqual([]);
          expect(failures).toHaveLength(1);
          expect(JSON.parse(failures[0]?.record ?? '')).toMatchObject({
            kind: 'range',
            attempts: attempts + 1,
            error: { message: error.message },
          });
        }
      }),
    );
  });
});

describe('contention of the database', () => {
  const contended = Object.assign(new Error('could not serialize access'), {
    code: '40001',
    severity: 'ERROR',
  });
  const entry = entryOf([1, 2, 3], 1);
  const settings = resolveConfig({ attempts: 2, backoffMs: 1000 });
  const decide = async (
    ...[outcome, ofEntry = entry]: [Parameters<typeof decideSettlement>[0], RangeEntry?]
  ) => settlementOf(await decideSettlement(outcome, contextOf(ofEntry, settings)));

  it('uses up no attempt of a row or range where others of the range were done', async () => {
    const rowAgain = await decide({
      kind: 'partial',
      rows: 2,
      failed: [{ key: 3, error: contended }],
      remaining: [],
    });
    const rangeAgain = await decide({ kind: 'failed', error: contended, progressed: true });
    expect(rowAgain).toMatchObject({ rowsDone: 2, failures: [], successors: [{ rows: 1, attempts: 1 }] });
    expect(rangeAgain).toMatchObject({
      outcome: 'replaced',
      failures: [],
      successors: [{ rows: 3, attempts: 1 }],
    });
  });

  it('uses one up where none was done, so that it ends in a failure', async () => {
    const row = await decide(
      { kind: 'partial', rows: 0, failed: [{ key: 3, error: contended }], remaining: [] },
      entryOf([3], 1),
    );
    const range = await decide({ kind: 'failed', error: contended }, entryOf([3], 1)).catch(String);
    expect(row.failures).toHaveLength(1);
    expect(range).toMatchObject({ successors: [], failures: [expect.anything()] });
  });
});
