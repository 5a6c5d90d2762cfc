import type { Span } from '@opentelemetry/api';
import type { Execution, Outcome } from '../processing/execution.js';
import type { RangeTelemetry } from '../processing/range.telemetry.js';
import { errorType } from './error-type.js';
import type { ExportedStatusReader } from './exported-status.reader.js';
import type { MetricsLeases } from './metrics.leases.js';
import { RangeMetrics } from './range.metrics.js';
import { RunMetrics } from './run.metrics.js';

type Api = typeof import('@opentelemetry/api');

const SCOPE = 'nestjs-backfill';

/** Records a span and metrics for each range, and exports metrics of the runs at each collection. */
export class OtelTelemetry implements RangeTelemetry {
  private readonly ranges: RangeMetrics;
  private readonly runs: RunMetrics;

  constructor(
    private readonly api: Api,
    statuses: ExportedStatusReader,
    private readonly leases: MetricsLeases,
  ) {
    const meter = api.metrics.getMeter(SCOPE);
    this.ranges = new RangeMetrics(meter);
    this.runs = new RunMetrics(meter, statuses);
  }

  async around(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome> {
    const begin = performance.now();
    const attributes = {
      'backfill.name': execution.backfill.name,
      'backfill.run.id': execution.runId,
      'backfill.range.index': execution.entry.index,
    };
    return this.api.trace.getTracer(SCOPE).startActiveSpan('backfill.range', { attributes }, async (span) => {
      try {
        const outcome = await work();
        this.ranges.record(execution, outcome, (performance.now() - begin) / 1000);
        if (outcome.kind === 'failed' && !execution.signal.aborted) {
          this.recordError(span, outcome.error);
        }
        return outcome;
      } finally {
        span.end();
      }
    });
  }

  acknowledged(execution: Execution, rows: number): void {
    this.ranges.recordRows(execution, rows);
  }

  /** Lets other processes export the metrics of the runs. */
  async close(): Promise<void> {
    this.runs.close();
    await this.leases.close();
  }

  private recordError(span: Span, error: unknown): void {
    span.recordException(error instanceof Error ? error : String(error));
    span.setAttribute('error.type', errorType(error));
    span.setStatus({ code: this.api.SpanStatusCode.ERROR });
  }
}
