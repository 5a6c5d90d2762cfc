import { MikroORM } from '@mikro-orm/core';
import { postgresConnections, postgresLockWait, postgresReplicationLag, probeLatency } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

interface Work {
  readonly ranges: number;
  /** Ms for which each range has a connection. */
  readonly heldMs: number;
}

/** A backfill whose handlers take every connection of the pool. */
async function greedy(poolSize: number, { ranges, heldMs }: Work) {
  const handler = defineBackfill({
    name: `greedy${poolSize}`,
    source: numbers(ranges),
    config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: poolSize + 2 },
    throttles: [
      postgresConnections({ from: 0.97, to: 0.99, onError: 'failClosed' }),
      postgresLockWait({ from: 60_000, to: 90_000, onError: 'failClosed' }),
      postgresReplicationLag({ onError: 'failClosed' }),
      // Ranges wait for the pool for longer than this is slow.
      probeLatency({
        probe: (em) => em.getConnection().execute('select 1'),
        baselineMs: 100,
        onError: 'failClosed',
      }),
    ],
    processRange: async (_range, { em }) => {
      await em.getConnection().execute('select pg_sleep(?)', [heldMs / 1000]);
    },
  });
  const bootedApp = await bench.start({ handlers: [handler], poolSize });
  return { ...bootedApp, name: `greedy${poolSize}` };
}

describe.each([1, 2])('throttles beside a pool of %s', (poolSize) => {
  it('wait for it, and take that for no latency of the database', async () => {
    const { backfills, logs, name, app } = await greedy(poolSize, { ranges: 12 * poolSize, heldMs: 400 });
    await backfills.start(name);
    await eventually(
      'work',
      () => backfills.status(name),
      ({ done }) => done > 0,
    );
    // The app gets its turn.
    expect(await app.get(MikroORM).em.fork().getConnection().execute('select 1 as one')).toEqual([
      { one: 1 },
    ]);
    const pressures: number[] = [];
    await eventually(
      'its end',
      async () => {
        const status = await backfills.status(name);
        pressures.push(status.throttlePressure);
        return status;
      },
      ({ state }) => state === 'completed',
    );
    expect(Math.max(...pressures)).toBe(0);
    expect(logs.having('failed, treated as')).toEqual([]);
  });
});

it('throttles that wait for a pool longer than they are waited for have not failed', async () => {
  const { backfills, logs, name } = await greedy(1, { ranges: 4, heldMs: 3_000 });
  await backfills.start(name);
  await eventually(
    'its end',
    () => backfills.status(name),
    ({ state }) => state === 'completed',
  );
  expect(logs.having('failed, treated as')).toEqual([]);
});

it('a database that takes no more connections is full pressure', async () => {
  const role = `limited_${process.pid}_${Date.now()}`;
  await bench.database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'limited' CONNECTION LIMIT 0`);
  const url = new URL(bench.database.url);
  url.username = role;
  url.password = 'limited';
  const { PostgreSqlDriver } = await import('@mikro-orm/postgresql');
  const orm = await MikroORM.init({
    driver: PostgreSqlDriver,
    clientUrl: url.href,
    entities: [],
    discovery: { warnWhenNoEntities: false },
  });
  try {
    const measure = async () =>
      postgresConnections().measure({
        backfill: 'b',
        runId: 'r',
        em: orm.em.fork(),
        redis: bench.redis.client,
      });
    expect(await measure()).toEqual({ pressure: 1, reason: '100 % of connections in use' });
    await bench.database.query(`ALTER ROLE ${role} CONNECTION LIMIT 5`);
    expect(await measure()).toMatchObject({ pressure: 0 });
  } finally {
    await orm.close(true);
    await bench.database.query(`DROP ROLE ${role}`);
  }
});
