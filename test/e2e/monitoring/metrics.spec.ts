import { readFile } from 'node:fs/promises';
import { compileFunction } from 'node:vm';
import { jest } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { NonRetryableError, RateLimitedError } from 'nestjs-backfill';
import { TelemetryLoader } from '../../../lib/monitoring/telemetry.loader.js';
import { StatusReader } from '../../../lib/status/status.reader.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import {
  parseSamples,
  startPrometheusExporter,
  sumOf,
  UnservedExporter,
} from '../../support/monitoring/index.js';
import type { PrometheusEndpoint, Sample } from '../../support/monitoring/index.js';

const bench = await createAppBench();
const FAST = { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 5, attempts: 1 };
const COUNT = { backfill_name: 'count' };
const endpoints: PrometheusEndpoint[] = [];

async function startEndpoint(): Promise<PrometheusEndpoint> {
  const endpoint = await startPrometheusExporter();
  endpoints.push(endpoint);
  return endpoint;
}

afterEach(async () => {
  await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()));
});

const count = (processRow: (row: { id: number }) => void = () => {}, config = {}) =>
  defineBackfill({ name: 'count', source: numbers(20), config: { ...FAST, ...config }, processRow });

const failAtSeven = ({ id }: { id: number }) => {
  if (id === 7) {
    throw new NonRetryableError('seven');
  }
};

const scrape = async (endpoint: PrometheusEndpoint) => parseSamples(await endpoint.scrape());
const stateIn = (samples: readonly Sample[], state: string, backfill = 'count') =>
  sumOf(samples, 'backfill_run_status', { backfill_name: backfill, backfill_run_state: state });

describe('The scrape of a process', () => {
  it('has what the process did: ranges, rows, failures by type of the error, durations in seconds', async () => {
    const endpoint = await startEndpoint();
    const app = await bench.start({ handlers: [count(failAtSeven)] });
    await app.backfills.start('count');
    expect((await app.finished('count')).state).toBe('failed');
    const text = await endpoint.scrape();
    const samples = parseSamples(text);

    expect(sumOf(samples, 'backfill_rows_total', COUNT)).toBe(19);
    expect(sumOf(samples, 'backfill_failures_total', { ...COUNT, error_type: 'NonRetryableError' })).toBe(1);
    expect(sumOf(samples, 'backfill_ranges_total', { ...COUNT, backfill_range_outcome: 'done' })).toBe(3);
    expect(sumOf(samples, 'backfill_range_duration_count', COUNT)).toBe(
      sumOf(samples, 'backfill_ranges_total', COUNT),
    );
    const boundaries = samples
      .filter(({ metric }) => metric === 'backfill_range_duration_bucket')
      .map(({ labels }) => labels['le']);
    expect([...new Set(boundaries)]).toEqual(
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, '+Inf'].map(String),
    );
    expect([...text.matchAll(/# UNIT (\w+) (\S+)/g)].map(([, name, unit]) => `${name} ${unit}`)).toEqual(
      expect.arrayContaining([
        'backfill_range_duration s',
        'backfill_ranges_total {range}',
        'backfill_rows_total {row}',
        'backfill_failures_total {failure}',
        'backfill_run_progress 1',
        'backfill_run_row_expected {row}',
        'backfill_run_rate {range}/s',
      ]),
    );
  });

  it('has the state of the run: status, progress, rows, failures, pressure, workers', async () => {
    const endpoint = await startEndpoint();
    const throttles = [{ name: 'busy', measure: () => ({ pressure: 0.5, reason: 'busy' }) }];
    const app = await bench.start({
      handlers: [
        count(failAtSeven, { batchSize: 1, concurrency: 1, perSecondOnPeak: 4, perSecondOffPeak: 4 }),
      ],
      options: { throttles },
    });
    await app.backfills.start('count');
    const running = await eventually(
      'the pressure and the worker in a scrape',
      () => scrape(endpoint),
      (samples) =>
        sumOf(samples, 'backfill_run_throttle_pressure', COUNT) === 0.5 &&
        sumOf(samples, 'backfill_run_worker_count', COUNT) === 1,
    );
    expect(stateIn(running, 'running')).toBe(1);
    expect(sumOf(running, 'backfill_run_status', COUNT)).toBe(1);
    expect(sumOf(running, 'backfill_run_rate', COUNT)).toBe(2);
    expect(sumOf(running, 'backfill_run_row_expected', COUNT)).toBe(20);

    await app.backfills.configure('count', { perSecondOnPeak: null, perSecondOffPeak: null });
    await app.finished('count');
    const ended = await scrape(endpoint);
    expect(stateIn(ended, 'running')).toBe(0);
    expect(stateIn(ended, 'failed')).toBe(1);
    expect(sumOf(ended, 'backfill_run_progress', COUNT)).toBe(1);
    expect(sumOf(ended, 'backfill_run_row_done', COUNT)).toBe(19);
    expect(sumOf(ended, 'backfill_run_row_failed', COUNT)).toBe(1);
    expect(sumOf(ended, 'backfill_run_range_done', COUNT)).toBe(20);
    expect(sumOf(ended, 'backfill_run_range_failed', COUNT)).toBe(0);
    // The SDK repeats the last value of what is no longer observed.
    for (const metric of ['range_outstanding', 'rate', 'lag', 'throttle_pressure']) {
      expect([metric, sumOf(ended, `backfill_run_${metric}`, COUNT)]).toEqual([metric, 0]);
    }
  });

  it('tells a run that the library paused from one that was paused by an operator', async () => {
    const endpoint = await startEndpoint();
    const app = await bench.start({
      handlers: [
        count(
          () => {
            throw new NonRetryableError('no');
          },
          { maxFailures: 2, concurrency: 1 },
        ),
      ],
    });
    await app.backfills.start('count');
    await eventually(
      'the pause',
      () => app.backfills.status('count'),
      ({ state }) => state === 'paused',
    );
    expect((await app.backfills.status('count')).pausedBy).toBe('nestjs-backfill');
    const paused = await scrape(endpoint);
    expect(stateIn(paused, 'paused')).toBe(1);
    expect(sumOf(paused, 'backfill_run_paused_by_library', COUNT)).toBe(1);

    await app.backfills.configure('count', { maxFailures: null, perSecondOnPeak: 0, perSecondOffPeak: 0 });
    await app.backfills.resume('count');
    expect(await app.backfills.status('count')).toMatchObject({ state: 'running', pausedBy: null });
    await app.backfills.pause('count', { by: 'ada' });
    expect(await app.backfills.status('count')).toMatchObject({ state: 'paused', pausedBy: 'ada' });
    expect(sumOf(await scrape(endpoint), 'backfill_run_paused_by_library', COUNT)).toBe(0);
  });

  it('tells a run that is held on purpose from one that an outage of the database holds', async () => {
    const endpoint = await startEndpoint();
    const failing = (name: string, error: () => Error) =>
      defineBackfill({
        name,
        source: numbers(20),
        config: FAST,
        processRow: () => {
          throw error();
        },
      });
    const cutOff = () => Object.assign(new Error('cut off'), { code: '08006', severity: 'FATAL' });
    const { backfills } = await bench.start({
      handlers: [
        count(undefined, { perSecondOnPeak: 0, perSecondOffPeak: 0 }),
        failing('limited', () => new RateLimitedError(3_600_000)),
        failing('cut-off', cutOff),
      ],
    });
    for (const name of ['count', 'limited', 'cut-off']) {
      await backfills.start(name);
    }
    const rateOf = async (name: string) => (await backfills.status(name)).rate;
    const [, samples] = await eventually(
      'a scrape within a hold',
      async () => [await rateOf('cut-off'), await scrape(endpoint), await rateOf('cut-off')] as const,
      ([before, all, after]) =>
        before.perSecond === 0 &&
        before.reason === after.reason &&
        sumOf(all, 'backfill_run_held', { backfill_name: 'limited' }) === 1,
    );
    expect((await rateOf('cut-off')).reason).toContain('unreachable');
    expect(sumOf(samples, 'backfill_run_held', COUNT)).toBe(1);
    expect(sumOf(samples, 'backfill_run_held', { backfill_name: 'cut-off' })).toBe(0);
  });

  it('counts no failure for a range that a pause has stopped', async () => {
    const endpoint = await startEndpoint();
    let started = 0;
    const handler = defineBackfill({
      name: 'count',
      source: numbers(20),
      config: FAST,
      processRange: async (_range, { signal }) => {
        started++;
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('count');
    await eventually(
      'a range',
      () => Promise.resolve(started),
      (ranges) => ranges > 0,
    );
    await app.backfills.pause('count');
    const samples = await eventually(
      'the range in a scrape',
      () => scrape(endpoint),
      (all) =>
        sumOf(all, 'backfill_ranges_total', { ...COUNT, backfill_range_outcome: 'stopped' }) !== undefined,
    );
    expect(sumOf(samples, 'backfill_failures_total')).toBeUndefined();
  });
});

describe('The failures in a scrape', () => {
  it('leave out what uses no attempt, such as the rate limit of a third party', async () => {
    const endpoint = await startEndpoint();
    let limited = false;
    const handler = count(() => {
      if (!limited) {
        limited = true;
        throw new RateLimitedError(10);
      }
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('count');
    expect(await app.finished('count')).toMatchObject({ state: 'completed', rowsDone: 20 });
    const samples = await scrape(endpoint);
    expect(sumOf(samples, 'backfill_rows_total', COUNT)).toBe(20);
    expect(sumOf(samples, 'backfill_failures_total')).toBeUndefined();
  });
});

describe('The scrapes of several processes', () => {
  const startProcess = async () => {
    const endpoint = await startEndpoint();
    return { endpoint, app: await bench.start({ handlers: [count()] }) };
  };
  const sums = (samples: readonly Sample[]) => ({
    states: sumOf(samples, 'backfill_run_status', COUNT),
    completed: stateIn(samples, 'completed'),
    progress: sumOf(samples, 'backfill_run_progress', COUNT),
    rows: sumOf(samples, 'backfill_run_row_expected', COUNT),
  });
  const TRUTH = { states: 1, completed: 1, progress: 1, rows: 20 };

  it('have the state of a backfill that only one of them handles', async () => {
    const first = await startProcess();
    const endpoint = await startEndpoint();
    const held = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
    const handler = defineBackfill({
      name: 'other',
      source: numbers(20),
      config: { ...FAST, ...held },
      processRow: () => {},
    });
    const second = await bench.start({ handlers: [handler] });
    await first.app.backfills.start('count');
    await first.app.finished('count');
    await second.backfills.start('other');
    // The first process collects first, and learns of a run that it has no handler for.
    expect(stateIn(await scrape(first.endpoint), 'running', 'other')).toBe(1);
    expect(stateIn(await scrape(endpoint), 'running', 'other')).toBeUndefined();

    await second.backfills.configure('other', { perSecondOnPeak: null, perSecondOffPeak: null });
    await second.finished('other');
    const samples = [...(await scrape(first.endpoint)), ...(await scrape(endpoint))];
    for (const name of ['count', 'other']) {
      expect([name, stateIn(samples, 'running', name)]).toEqual([name, 0]);
      expect([name, stateIn(samples, 'completed', name)]).toEqual([name, 1]);
      expect([name, sumOf(samples, 'backfill_run_row_done', { backfill_name: name })]).toEqual([name, 20]);
    }
  });

  it('sum up to the truth, also after another process exports the state of the run', async () => {
    const first = await startProcess();
    const second = await startProcess();
    await first.app.backfills.start('count');
    await first.app.finished('count');
    const scrapeBoth = async () => [await scrape(first.endpoint), await scrape(second.endpoint)] as const;

    const [exported, other] = await scrapeBoth();
    expect(sums(exported)).toEqual(TRUTH);
    expect(other.filter(({ metric }) => metric.startsWith('backfill_run_'))).toEqual([]);
    const [again] = await scrapeBoth();
    expect(sums(again)).toEqual(TRUTH);

    await bench.redis.client.del(`{${bench.keyPrefix()}}:_:metrics-lease:count`);
    expect(sums(await scrape(second.endpoint))).toEqual(TRUTH);
    const [before, after] = await scrapeBoth();
    expect(sums(after)).toEqual(TRUTH);
    expect(sums([...before, ...after])).toEqual(TRUTH);
  });

  it('sum up to the truth after the process that exported was closed', async () => {
    const first = await startProcess();
    const second = await startProcess();
    await first.app.backfills.start('count');
    await first.app.finished('count');
    expect(sums(await scrape(first.endpoint))).toEqual(TRUTH);
    expect(sums(await scrape(second.endpoint)).rows).toBeUndefined();

    await first.app.close();
    expect(sums(await scrape(second.endpoint))).toEqual(TRUTH);
    // A last export of the SDK, after the app.
    expect(sums([...(await scrape(first.endpoint)), ...(await scrape(second.endpoint))])).toEqual(TRUTH);
    expect(sums([...(await scrape(first.endpoint)), ...(await scrape(second.endpoint))])).toEqual(TRUTH);
  });

  it('sum up to the truth after the process that exported was closed during its scrape', async () => {
    const first = await startProcess();
    const second = await startProcess();
    await first.app.backfills.start('count');
    await first.app.finished('count');
    const reader = first.app.app.get(StatusReader);
    const list = reader.list.bind(reader);
    jest.spyOn(reader, 'list').mockImplementationOnce(async (names) => {
      const statuses = await list(names);
      await first.app.app.get(TelemetryLoader).beforeApplicationShutdown();
      return statuses;
    });
    await scrape(first.endpoint);
    const after = [...(await scrape(first.endpoint)), ...(await scrape(second.endpoint))];
    expect(sums(after)).toEqual(TRUTH);
  });

  it('that come at the same time read the state once', async () => {
    const { app, endpoint } = await startProcess();
    const list = jest.spyOn(app.app.get(StatusReader), 'list');
    await Promise.all([endpoint.collect(), endpoint.collect(), endpoint.collect()]);
    expect(list).toHaveBeenCalledTimes(1);
  });
});

it('The setup of the guide registers the exporter', async () => {
  const guide = await readFile(new URL('../../../sample/guides/monitoring.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n\/\/ src\/metrics\.ts[^\n]*\n([^]*?)```/.exec(guide) ?? [];
  const names = { metrics, MeterProvider, PrometheusExporter: UnservedExporter };
  metrics.disable();
  compileFunction(code.replaceAll(/^import .*$/gm, ''), Object.keys(names))(...Object.values(names));
  expect(metrics.getMeterProvider()).toBeInstanceOf(MeterProvider);
  metrics.disable();
});
