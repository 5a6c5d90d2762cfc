import type { BatchObservableCallback, Observable } from '@opentelemetry/api';
import type { BackfillService } from '../backfill.service.js';
import type { Execution, Outcome } from '../processing/execution.js';
import type { RangeTelemetry } from '../processing/range.telemetry.js';

type Api = typeof import('@opentelemetry/api');

const NAME = 'nestjs-backfill';

/** Records a span and metrics for each range; gauges read the status of the backfills at each collection. */
export class OtelTelemetry implements RangeTelemetry {
  private readonly instruments;
  private readonly observe: BatchObservableCallback;
  private readonly gauges: Observable[];

  constructor(
    private readonly api: Api,
    backfills: BackfillService,
  ) {
    const meter = api.metrics.getMeter(NAME);
    this.instruments = {
      meter,
      ranges: meter.createCounter('backfill.ranges', { description: 'Ranges executed, by outcome' }),
      rows: meter.createCounter('backfill.rows', { description: 'Rows processed' }),
      failures: meter.createCounter('backfill.failures', {
        description: 'Failed attempts of ranges and rows',
      }),
      duration: meter.createHistogram('backfill.range.duration', {
        description: 'Duration of the execution of a range',
        unit: 's',
      }),
    };
    const outstanding = meter.createObservableGauge('backfill.outstanding', {
      description: 'Ranges planned and not settled yet, in all processes',
    });
    const rate = meter.createObservableGauge('backfill.rate', {
      description: 'Rate in force, in ranges a second',
    });
    const lag = meter.createObservableGauge('backfill.lag', {
      description: 'Time to process the outstanding ranges at the throughput of the last minute',
      unit: 's',
    });
    const missing = meter.createObservableGauge('backfill.rows.missing', {
      description: 'Rows of the run that were planned, not loaded, and not known to be gone',
    });
    const rechecked = meter.createObservableGauge('backfill.rows.rechecked', {
      description: 'Times that rows of the run were handled again because others wrote or locked them',
    });
    const left = meter.createObservableGauge('backfill.verified.left', {
      description: 'Rows that the verification of the run found to match the filter of the source',
    });
    const swept = meter.createObservableGauge('backfill.verified.swept', {
      description: 'Rows that the sweeps of the run processed',
    });
    const sampled = meter.createObservableGauge('backfill.verified.sampled', {
      description: 'Rows of the sample of the run that were verified',
    });
    const mismatched = meter.createObservableGauge('backfill.verified.mismatched', {
      description: 'Rows of the sample of the run that are wrong',
    });
    this.gauges = [outstanding, rate, lag, missing, rechecked, left, swept, sampled, mismatched];
    this.observe = async (result) => {
      for (const status of await backfills.list()) {
        const attributes = { backfill: status.name };
        result.observe(outstanding, status.outstanding, attributes);
        result.observe(missing, status.rowsMissing, attributes);
        result.observe(rechecked, status.rowsRechecked, attributes);
        if (status.verified) {
          result.observe(swept, status.verified.swept, attributes);
          result.observe(sampled, status.verified.sampled, attributes);
          result.observe(mismatched, status.verified.mismatched, attributes);
          if (status.verified.left !== null) {
            result.observe(left, status.verified.left, attributes);
          }
        }
        if (status.rate.perSecond !== null) {
          result.observe(rate, status.rate.perSecond, attributes);
        }
        if (status.rangesPerSecond > 0) {
          result.observe(lag, status.outstanding / status.rangesPerSecond, attributes);
        }
      }
    };
    meter.addBatchObservableCallback(this.observe, this.gauges);
  }

  async around(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome> {
    const { trace, SpanStatusCode } = this.api;
    const attributes = { backfill: execution.backfill.name };
    const begin = performance.now();
    return trace.getTracer(NAME).startActiveSpan(
      'backfill.range',
      {
        attributes: {
          ...attributes,
          'backfill.run': execution.runId,
          'backfill.range.index': execution.entry.index,
        },
      },
      async (span) => {
        try {
          const outcome = await work();
          this.count(execution, outcome, (performance.now() - begin) / 1000);
          if (outcome.kind === 'failed') {
            span.recordException(outcome.error instanceof Error ? outcome.error : String(outcome.error));
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          return outcome;
        } finally {
          span.end();
        }
      },
    );
  }

  close(): void {
    this.instruments.meter.removeBatchObservableCallback(this.observe, this.gauges);
  }

  private count({ backfill, entry }: Execution, outcome: Outcome, seconds: number): void {
    const { ranges, rows, failures, duration } = this.instruments;
    const attributes = { backfill: backfill.name };
    ranges.add(1, { ...attributes, outcome: outcome.kind });
    duration.record(seconds, { ...attributes, outcome: outcome.kind });
    if (outcome.kind === 'failed') {
      failures.add(1, attributes);
      return;
    }
    rows.add(outcome.rows === 'planned' ? entry.rows : outcome.rows, attributes);
    if (outcome.kind === 'partial' && outcome.failed.length > 0) {
      failures.add(outcome.failed.length, attributes);
    }
  }
}
