import { Logger } from '@nestjs/common';
import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import { LogOnce } from '../async/log-once.js';
import { withTimeout } from '../async/timeout.js';
import type { BackfillStatus } from '../status/backfill-status.js';
import type { ExportedStatusReader } from './exported-status.reader.js';
import { RUN_MEASURES, RUN_STATUS } from './run-measures.js';

/** Below the time that Prometheus waits for a scrape. */
const TIMEOUT_MS = 2_000;

/**
 * Metrics of the runs, which of each backfill one process exports for all. Another process reports 0 for what it has
 * exported before, as SDKs may repeat the last value for ever: a sum over the processes is the value of the run.
 */
export class RunMetrics {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly status: Observable;
  private readonly measures;
  private readonly observables: Observable[];
  private reading: Promise<readonly BackfillStatus[]> | undefined;
  /** Backfills that this process has exported. */
  private readonly exported = new Set<string>();
  private closed = false;

  constructor(
    private readonly meter: Meter,
    private readonly statuses: Pick<ExportedStatusReader, 'read'>,
  ) {
    const { name, ...options } = RUN_STATUS;
    this.status = meter.createObservableUpDownCounter(name, options);
    this.measures = RUN_MEASURES.map((measure) => ({
      value: measure.value,
      observable: measure.additive
        ? meter.createObservableUpDownCounter(measure.name, measure)
        : meter.createObservableGauge(measure.name, measure),
    }));
    this.observables = [this.status, ...this.measures.map(({ observable }) => observable)];
    meter.addBatchObservableCallback(this.observe, this.observables);
  }

  /** The next collection is the last one: it ends what was exported. */
  close(): void {
    this.closed = true;
  }

  private readonly observe = async (result: BatchObservableResult): Promise<void> => {
    const read = await this.read();
    // Closed meanwhile: another process may export already, and this collection is the last one.
    const statuses = this.closed ? [] : read;
    const byName = new Map(statuses.map((status) => [status.name, status]));
    byName.forEach((_, name) => this.exported.add(name));
    for (const name of this.exported) {
      this.observeOne(result, name, byName.get(name));
    }
    if (this.closed) {
      this.meter.removeBatchObservableCallback(this.observe, this.observables);
    }
  };

  private observeOne(result: BatchObservableResult, name: string, status: BackfillStatus | undefined): void {
    const attributes = { 'backfill.name': name };
    for (const state of RUN_STATUS.states) {
      const isCurrent = status?.state === state ? 1 : 0;
      result.observe(this.status, isCurrent, { ...attributes, 'backfill.run.state': state });
    }
    for (const { observable, value } of this.measures) {
      result.observe(observable, status ? value(status) : 0, attributes);
    }
  }

  /** Empty where other processes export, and where Redis does not answer. Never rejects. */
  private async read(): Promise<readonly BackfillStatus[]> {
    if (this.closed) {
      return [];
    }
    // Collections at the same time, and those of an outage, share one read.
    this.reading ??= this.statuses.read().finally(() => {
      this.reading = undefined;
    });
    try {
      const statuses = await withTimeout(
        this.reading,
        TIMEOUT_MS,
        () => new Error(`Expected the status within ${TIMEOUT_MS} ms, got none`),
      );
      this.log.recover();
      return statuses;
    } catch (error) {
      this.log.warn(`The metrics of the runs cannot be read: ${String(error)}`);
      return [];
    }
  }
}
