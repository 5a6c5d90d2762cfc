import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { endsWithin } from '../async/timeout.js';
import { ConfigStore } from '../config/config.store.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { computeForecast } from '../forecast/compute-forecast.js';
import type { Measurement } from '../forecast/measurement.js';
import { MeasurementStore } from '../forecast/measurement.store.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { rehearsalJournal } from '../journal/rehearsal-journal.js';
import { SharedCalls } from '../pacing/budget/shared.calls.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { countRanges } from '../planning/count-ranges.js';
import { sqlFamily } from '../sources/sql/sql-manager.js';
import { EventStream } from '../state/event.stream.js';
import { describeHold } from '../state/global-hold.js';
import { HoldStore } from '../state/hold.store.js';
import { RunStore } from '../state/run.store.js';
import type { Rehearsal, RehearseOptions } from './rehearsal.js';
import { RehearsalQuota } from './rehearsal.quota.js';
import { RehearsalRun } from './rehearsal.run.js';
import { parseRehearseOptions } from './rehearse-options.js';
import { requireColumns } from './require-columns.js';

/** Time that a handler has to honor its signal after the time limit. */
const GRACE_MS = 2_000;

/** Rehearses backfills: one rehearsal of each at a time in a process, beside a run or without one. */
@Injectable()
export class Rehearser {
  private readonly running = new Set<string>();

  constructor(
    private readonly configs: ConfigStore,
    private readonly managers: EntityManagers,
    private readonly runs: RunStore,
    private readonly quota: SharedQuota,
    private readonly calls: SharedCalls,
    private readonly measurements: MeasurementStore,
    private readonly holds: HoldStore,
    private readonly events: EventStream,
  ) {}

  async rehearse(backfill: RegisteredBackfill, options: RehearseOptions): Promise<Rehearsal> {
    const { name } = backfill;
    const limits = parseRehearseOptions(name, options);
    await requireColumns(this.managers.fork(backfill), name);
    if (this.running.has(name)) {
      throw new BackfillConflictError(
        `Backfill "${name}" is being rehearsed by this process. Wait until that rehearsal has ended.`,
      );
    }
    this.running.add(name);
    try {
      await this.assertNotHeld(name);
      return await this.run(backfill, options, limits);
    } finally {
      this.running.delete(name);
    }
  }

  private async run(
    backfill: RegisteredBackfill,
    { from, to, signal }: RehearseOptions,
    limits: ReturnType<typeof parseRehearseOptions>,
  ): Promise<Rehearsal> {
    const { name, defaults, source } = backfill;
    const { config } = await this.configs.read(name, defaults);
    const runId = await this.runs.activeId(name);
    const abort = new AbortController();
    const onAbort = () => abort.abort(signal?.reason);
    const timer = setTimeout(
      () => abort.abort(new Error(`The rehearsal took longer than ${limits.timeoutMs} ms`)),
      limits.timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    const held = this.events.events.subscribe(({ type, data }) => {
      if (type === 'heldAll') {
        abort.abort(new Error(`All backfills are held: ${data.reason}`));
      }
    });
    const em = this.managers.fork(backfill);
    try {
      const opening = await source.open({ em, backfill: name }, { from, to });
      const quota = new RehearsalQuota(
        this.quota,
        name,
        runId,
        config.quota,
        this.calls,
        backfill.weight ?? 1,
      );
      const journal = rehearsalJournal(backfill, journalId(), em);
      const deps = { limits, config, quota, journal, signal: abort.signal };
      const run = new RehearsalRun(backfill, this.managers, deps);
      const work = run.perform(em, opening);
      await endsAfter(work, abort.signal);
      const measurement = await run.measurement(opening.total.rows);
      if (!measurement) {
        return run.result(null);
      }
      const rowsTotal = opening.total.rows;
      const ranges = await countRanges(backfill, { em, backfill: name }, opening, config.batchSize);
      const forecastOf = (measured: Measurement) =>
        computeForecast(measured, { config, rowsTotal, ranges, at: measured.at });
      const isLimited = forecastOf(measurement).limitedBy !== 'handler' || abort.signal.aborted;
      const speed =
        isLimited || runId !== null || sqlFamily(em) === 'sqlite'
          ? undefined
          : await endsAfter(run.speed(em, opening), abort.signal);
      const whole = { ...measurement, speed };
      await this.measurements.write(name, whole);
      return run.result(forecastOf(whole));
    } finally {
      clearTimeout(timer);
      held.unsubscribe();
      signal?.removeEventListener('abort', onAbort);
      em.clear();
    }
  }

  /** A rehearsal reads, locks and writes rows as a run does. */
  private async assertNotHeld(name: string): Promise<void> {
    const hold = await this.holds.read();
    if (hold) {
      throw new BackfillConflictError(
        `Backfill "${name}" cannot be rehearsed while all backfills are ${describeHold(hold)}. Release the hold first ` +
          '(nestjs-backfill release), or wait for its end.',
      );
    }
  }
}

/** As long as the id of a run, which is in each row of its journal. */
function journalId(): string {
  return `r${randomBytes(7).toString('hex')}`;
}

/** Waits for the work, and a short time for a handler that has to stop; what ignores its signal is left to end alone. */
async function endsAfter<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener(
      'abort',
      () => void endsWithin(settled(work), GRACE_MS).then(() => resolve(undefined)),
      { once: true },
    );
  });
  return Promise.race([work, stopped]);
}

async function settled(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}
