import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/core';
import type { VerifyAnswer, VerifyContext } from '../config/verify-row.js';
import { concernsRun } from '../database/classify-error.js';
import { EntityManagers } from '../database/entity-managers.js';
import { inRequestScope } from '../database/request-scope.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { loadKeys } from '../sources/load-keys.js';
import { toQuarantined } from '../state/failure-record.js';
import type { RangePayload } from '../state/range-entry.js';
import type { Quarantined } from '../state/range-steps.js';
import { RowSampleStore } from '../state/row-sample.store.js';
import type { SampledRow } from '../state/row-sample.store.js';
import { toStoredError } from '../state/stored-error.js';

/** Rows that are loaded at once. */
const PAGE = 50;

/** A page of a sample, verified. */
export interface VerifiedPage {
  /** Rows of the sample that were read; 0: there are no more. */
  readonly read: number;
  /** Those of them that were there and were verified. */
  readonly sampled: number;
  readonly failures: readonly Quarantined[];
  readonly mismatched: number;
  /** The last mismatch, JSON. */
  readonly lastError: string | null;
}

type VerifyRow = (row: unknown, context: VerifyContext) => Promise<VerifyAnswer> | VerifyAnswer;

/** Reads rows of the sample of a run again and has the handler verify them. */
@Injectable()
export class SampleVerifier {
  constructor(
    private readonly sample: RowSampleStore,
    private readonly managers: EntityManagers,
  ) {}

  /**
   * Verifies the page of the sample that begins with this row.
   *
   * @throws errors that concern the run, such as those of an unreachable database
   */
  async verify(
    backfill: RegisteredBackfill,
    runId: string,
    first: number,
    signal: AbortSignal,
  ): Promise<VerifiedPage> {
    const rows = await this.sample.page(runId, first, PAGE);
    const mismatches: { readonly row: SampledRow; readonly error: unknown }[] = [];
    let sampled = 0;
    const em = this.managers.fork(backfill);
    try {
      const verifyRow = await verifierOf(backfill);
      for (const { row, entity } of await load(backfill, em, rows, signal)) {
        signal.throwIfAborted();
        sampled++;
        const context = { em, runId, backfill: backfill.name, params: backfill.params?.values, signal };
        const error = await mismatchOf(() =>
          inRequestScope(
            () => em,
            () => verifyRow(entity, context),
          ),
        );
        if (error !== null) {
          mismatches.push({ row, error });
        }
      }
    } finally {
      em.clear();
    }
    const last = mismatches.at(-1);
    return {
      read: rows.length,
      sampled,
      mismatched: mismatches.length,
      failures: failuresOf(mismatches),
      lastError: last ? JSON.stringify({ ...toStoredError(last.error), at: new Date().toISOString() }) : null,
    };
  }
}

async function verifierOf({ verifyRow, resolve }: RegisteredBackfill): Promise<VerifyRow> {
  if (verifyRow) {
    return verifyRow;
  }
  const handler = (await resolve()) as { verifyRow?: VerifyRow };
  return (row, context) => {
    if (!handler.verifyRow) {
      throw new TypeError(
        'Expected the handler to have the method verifyRow, as it had when the run was started',
      );
    }
    return handler.verifyRow(row, context);
  };
}

/** The rows that are still there. */
async function load(
  { name, source }: RegisteredBackfill,
  em: EntityManager,
  rows: readonly SampledRow[],
  signal: AbortSignal,
): Promise<{ readonly row: SampledRow; readonly entity: unknown }[]> {
  const found = new Map<string, unknown>();
  const identify = (partition: string, key: unknown) => JSON.stringify([partition, key]);
  for (const partition of new Set(rows.map((row) => row.partition))) {
    const keys = rows.filter((row) => row.partition === partition).map(({ key }) => key);
    const entities = await loadKeys(source, { em, signal, backfill: name }, keys, partition, true);
    entities.forEach((entity) => found.set(identify(partition, source.keyOf?.(entity)), entity));
  }
  return rows.flatMap((row) => {
    const entity = found.get(identify(row.partition, row.key));
    return entity === undefined ? [] : [{ row, entity }];
  });
}

/** Why a row is wrong; `null` where it is not. */
async function mismatchOf(verify: () => Promise<VerifyAnswer> | VerifyAnswer): Promise<unknown> {
  try {
    const answer: unknown = await verify();
    if (answer === true) {
      return null;
    }
    return new RowMismatchError(
      typeof answer === 'string' && answer !== ''
        ? answer
        : `the row was answered with ${String(answer)}: answer true, or why it is wrong`,
    );
  } catch (error) {
    if (concernsRun(error)) {
      throw error;
    }
    return error;
  }
}

/** A row of the sample is not as it should be. */
class RowMismatchError extends Error {
  override readonly name = 'RowMismatchError';
}

/** A failure for each row, and for rows that are processed again with their range one for the range. */
function failuresOf(
  mismatches: readonly { readonly row: SampledRow; readonly error: unknown }[],
): Quarantined[] {
  const failures = new Map<string, Quarantined>();
  for (const { row, error } of mismatches) {
    const { partition, key, range } = row;
    const payload: RangePayload =
      range === undefined
        ? { kind: 'rows', partition, keys: [key], unfiltered: true }
        : { kind: 'range', partition, range };
    const failure = toQuarantined({
      kind: 'row',
      key,
      error: toStoredError(error),
      attempts: 1,
      failedAt: new Date().toISOString(),
      payload,
      rows: 1,
    });
    if (!failures.has(failure.id)) {
      failures.set(failure.id, failure);
    }
  }
  return [...failures.values()];
}
