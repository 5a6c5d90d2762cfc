import type { Attributes, Meter } from '@opentelemetry/api';
import { concernsRun, mayConcernRow } from '../database/classify-error.js';
import type { Execution, Outcome } from '../processing/execution.js';
import { ErrorTypes } from './error-type.js';

/** Seconds, from 5 ms to 5 min: the default boundaries of OpenTelemetry are meant for milliseconds. */
const DURATION_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Metrics of what this process does. Summed over the processes they are those of the backfill. */
export class RangeMetrics {
  private readonly ranges;
  private readonly rows;
  private readonly failures;
  private readonly duration;
  private readonly errorTypes = new ErrorTypes();

  constructor(meter: Meter) {
    this.ranges = meter.createCounter('backfill.ranges', {
      description: 'Executions of ranges, by outcome',
      unit: '{range}',
    });
    this.rows = meter.createCounter('backfill.rows', { description: 'Rows processed', unit: '{row}' });
    this.failures = meter.createCounter('backfill.failures', {
      description: 'Failed attempts of ranges and rows',
      unit: '{failure}',
    });
    this.duration = meter.createHistogram('backfill.range.duration', {
      description: 'Duration of the execution of a range',
      unit: 's',
      advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
    });
  }

  recordRows({ backfill }: Execution, rows: number): void {
    this.rows.add(rows, { 'backfill.name': backfill.name });
  }

  record(execution: Execution, outcome: Outcome, seconds: number): void {
    const { backfill, entry, signal } = execution;
    const name = { 'backfill.name': backfill.name };
    // What a handler throws because it was stopped is no attempt.
    const stopped = signal.aborted;
    const attributes: Attributes = {
      ...name,
      'backfill.range.outcome': stopped && outcome.kind === 'failed' ? 'stopped' : outcome.kind,
      ...(outcome.kind === 'failed' && !stopped ? { 'error.type': this.errorTypes.of(outcome.error) } : {}),
    };
    this.ranges.add(1, attributes);
    this.duration.record(seconds, attributes);
    if (outcome.kind !== 'failed') {
      this.recordRows(execution, outcome.rows === 'planned' ? entry.rows : outcome.rows);
    }
    for (const error of stopped ? [] : errorsOf(outcome)) {
      if (isAttempt(error)) {
        this.failures.add(1, { ...name, 'error.type': this.errorTypes.of(error) });
      }
    }
  }
}

function errorsOf(outcome: Outcome): readonly unknown[] {
  switch (outcome.kind) {
    case 'done':
      return [];
    case 'partial':
      return outcome.failed.map(({ error }) => error);
    case 'failed':
      return [outcome.error];
    default:
      return outcome satisfies never;
  }
}

/** After other errors, such as a rate limit or an outage, the range is given back without using up an attempt. */
function isAttempt(error: unknown): boolean {
  return !concernsRun(error) || mayConcernRow(error);
}
