import { createAppBench, defineBackfill, eventually, numbers } from '../support/apps/index.js';
import { parseSamples, startPrometheusExporter, sumOf } from '../support/monitoring/index.js';
import type { PrometheusEndpoint } from '../support/monitoring/index.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

const bench = await createAppBench();
const COUNT = { backfill_name: 'count' };
const RUNNING = { ...COUNT, backfill_run_state: 'running' };
let redis: RedisServer;
let endpoint: PrometheusEndpoint;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
});
afterAll(() => redis.stop());
beforeEach(async () => {
  endpoint = await startPrometheusExporter();
});
afterEach(() => endpoint.close());

const start = () =>
  bench.start({
    redis: { connection: { host: redis.host, port: redis.port, db: 0 } },
    // A BullMQ worker whose connection is reconnecting closes slowly, which these tests do not measure.
    options: { workers: false },
    handlers: [defineBackfill({ name: 'count', source: numbers(20), processRange: () => {} })],
  });
const scrape = async () => parseSamples(await endpoint.scrape());

describe('A scrape', () => {
  it.each(['killed', 'frozen'])(
    'answers while Redis is %s, with 0 for the runs, and recovers',
    async (how) => {
      const app = await start();
      await app.backfills.start('count');
      expect(sumOf(await scrape(), 'backfill_run_status', RUNNING)).toBe(1);

      await (how === 'killed' ? redis.kill() : redis.pause());
      const scrapes = await Promise.all([scrape(), scrape(), scrape()]);
      for (const samples of [...scrapes, await scrape()]) {
        expect(sumOf(samples, 'backfill_run_status', RUNNING)).toBe(0);
        expect(sumOf(samples, 'backfill_run_row_expected', COUNT)).toBe(0);
      }
      const warnings = app.logs.having('metrics of the runs cannot be read');
      expect(warnings.filter((line) => line.startsWith('warn'))).toHaveLength(1);

      await (how === 'killed' ? redis.restart() : redis.resume());
      const samples = await eventually('the run in a scrape', scrape, (all) => {
        return sumOf(all, 'backfill_run_status', RUNNING) === 1;
      });
      expect(sumOf(samples, 'backfill_run_row_expected', COUNT)).toBe(20);
      await app.backfills.cancel('count');
    },
  );
});
