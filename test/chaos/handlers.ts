import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { Backfill, idRange, keyset } from 'nestjs-backfill';
import type { BackfillContext, BackfillConfigPatch, IdRange } from 'nestjs-backfill';
import { docHandlers } from './doc-handlers.js';
import type { Passing } from './faults.js';
import { ChaosForm } from './forms.entity.js';
import type { ChildPlan } from './plan.js';
import { ChaosRow } from './rows.entity.js';

type Row = { id: number; touches: number; poison: boolean };
type Form = { id: string; form: number; touches: number };

/** When handlers of this process began, epoch ms by the clock of the machine. */
export const starts: number[] = [];

const CONFIG: BackfillConfigPatch = {
  batchSize: 20,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  concurrency: 4,
  attempts: 2,
  backoffMs: 50,
};

/** What the keys of rows begin with that an app inserts before all others: only a sweep comes to them. */
export const LATE = '00000000';

export class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

/** The handlers of a child. */
export function handlersOf(plan: ChildPlan, pass: Passing): Type[] {
  const version = plan.version === null ? {} : { version: plan.version, onOtherVersion: plan.onOtherVersion };
  const work = async (signal: AbortSignal) => {
    starts.push(performance.timeOrigin + performance.now());
    pass('handler:inside');
    if (plan.handlerMs > 0) {
      await sleep(plan.handlerMs, undefined, plan.ignoresSignal ? {} : { signal });
    }
  };
  const touch = async (range: IdRange, { em, signal }: BackfillContext) => {
    await work(signal);
    const [poisoned] = await em
      .getConnection()
      .execute('SELECT id FROM chaos_rows WHERE id BETWEEN ? AND ? AND poison LIMIT 1', [
        range.begin,
        range.end,
      ]);
    if (poisoned) {
      throw new PoisonError(`row ${poisoned.id} is poisonous`);
    }
    const done = await em
      .getConnection()
      .execute('UPDATE chaos_rows SET touches = touches + 1 WHERE id BETWEEN ? AND ? RETURNING id', [
        range.begin,
        range.end,
      ]);
    return done.length;
  };

  const rangeHandler = (name: string): Type => {
    @Backfill({ name, source: idRange(ChaosRow), config: CONFIG, ...version })
    class Touch {
      processRange(range: IdRange, context: BackfillContext) {
        return touch(range, context);
      }
    }
    return Touch;
  };

  @Backfill({
    name: 'touch-batch',
    source: keyset(ChaosRow, { orderBy: { id: 'asc' } }),
    ...(plan.undo ? { undo: {} } : {}),
    config: CONFIG,
    ...version,
  })
  class TouchBatch {
    async processBatch(rows: Row[], { signal }: BackfillContext) {
      await work(signal);
      const poisoned = rows.find((row) => row.poison);
      if (poisoned) {
        throw new PoisonError(`row ${poisoned.id} is poisonous`);
      }
      for (const row of rows) {
        row.touches++;
      }
    }
  }

  @Backfill({
    name: 'touch-rows',
    source: keyset(ChaosRow, { orderBy: { id: 'asc' } }),
    config: { ...CONFIG, rowConcurrency: 5 },
    ...version,
  })
  class TouchRows {
    async processRow(row: Row, { signal }: BackfillContext) {
      await work(signal);
      if (row.poison) {
        throw new PoisonError(`row ${row.id} is poisonous`);
      }
      row.touches++;
    }
  }

  @Backfill({
    name: 'renew-forms',
    source: keyset(ChaosForm, { orderBy: { id: 'asc' }, where: { form: 1 } }),
    config: CONFIG,
    verify: true,
  })
  class RenewForms {
    async processBatch(rows: Form[], { signal }: BackfillContext) {
      await work(signal);
      if (rows.some(({ id }) => id.startsWith(LATE))) {
        pass('handler:sweep');
      }
      for (const row of rows) {
        row.form = 2;
        row.touches++;
      }
    }

    verifyRow({ form }: Form) {
      pass('handler:sample');
      return form === 2 || `it has form ${form}`;
    }
  }

  const copies = Array.from({ length: plan.copies }, (_, i) => rangeHandler(`touch-${i}`));
  const all = {
    touch: rangeHandler('touch'),
    'touch-batch': TouchBatch,
    'touch-rows': TouchRows,
    'renew-forms': RenewForms,
  };
  return [
    ...Object.entries(all).flatMap(([name, type]) => (plan.removed.includes(name) ? [] : [type])),
    ...copies,
    ...docHandlers(CONFIG, work),
  ];
}
