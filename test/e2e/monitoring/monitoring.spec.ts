import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { metrics, trace } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter } from '@opentelemetry/sdk-metrics';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { BackfillHealthIndicator, NonRetryableError } from 'nestjs-backfill';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 5, attempts: 1 };
const count = () =>
  defineBackfill({
    name: 'count',
    source: numbers(20),
    config: UNPACED,
    processRow: ({ id }: { id: number }) => {
      if (id === 7) {
        throw new NonRetryableError('seven');
      }
    },
  });

describe('OpenTelemetry', () => {
  afterEach(() => {
    metrics.disable();
    trace.disable();
  });

  it('records rows, ranges, durations, failures, outstanding, rate and lag', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const meters = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(meters);
    const spans = new InMemorySpanExporter();
    const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    trace.setGlobalTracerProvider(tracers);

    const app = await bench.start({ handlers: [count()] });
    await app.backfills.start('count');
    expect((await app.finished('count')).state).toBe('failed');
    await meters.forceFlush();
    const values = new Map(
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics)
        .map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ value }) => (typeof value === 'number' ? value : value.count)),
        ]),
    );
    const sum = (name: string) => values.get(name)?.reduce((all, one) => all + one, 0);
    expect(sum('backfill.rows')).toBe(19);
    expect(sum('backfill.ranges')).toBe(sum('backfill.range.duration'));
    expect(sum('backfill.ranges')).toBeGreaterThanOrEqual(4);
    expect(sum('backfill.failures')).toBe(1);
    expect(values.get('backfill.run.range.outstanding')).toEqual([0]);
    expect(values.get('backfill.run.rate')).toEqual([0]);
    const [span] = spans.getFinishedSpans();
    expect(span).toMatchObject({ name: 'backfill.range', attributes: { 'backfill.name': 'count' } });
    await Promise.all([meters.shutdown(), tracers.shutdown()]);
  });
});

describe('Terminus', () => {
  it('reports up, and down while no process has a worker for a running run', async () => {
    const app = await bench.start({
      handlers: [count()],
      imports: [TerminusModule],
      options: { keyPrefix: bench.keyPrefix(), workers: false },
    });
    const health = app.app.get(HealthCheckService);
    const backfills = app.app.get(BackfillHealthIndicator);
    const check = () => health.check([() => backfills.isHealthy('backfills')]);
    await expect(check()).resolves.toMatchObject({
      status: 'ok',
      details: { backfills: { status: 'up', backfills: { count: { state: 'idle' } } } },
    });
    await app.backfills.start('count');
    await expect(check()).rejects.toMatchObject({
      response: { status: 'error', error: { backfills: { status: 'down', unhealthy: ['count'] } } },
    });
  });
});
