import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createLedgerSchema } from 'nestjs-backfill';
import { Client } from 'pg';
import { bundleChild } from '../support/processes/child-bundle.js';
import { Random } from '../chaos/random.js';
import { startPostgres, startRedis } from '../support/services/index.js';
import { Lane, PROMISED_MS } from './lane.js';
import { MODES } from './modes.js';
import type { Mode, Servers } from './modes.js';
import type { ClosingPlan } from './plan.js';

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: '300' },
    processes: { type: 'string', default: '4' },
    mode: { type: 'string' },
    seed: { type: 'string', default: '1' },
    load: { type: 'string', default: '0' },
    outputFile: { type: 'string' },
  },
});
const SHUTDOWN_TIMEOUT = 300;

async function fillDatabase(url: string): Promise<void> {
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(
    `${sql.join(';\n')};
     CREATE TABLE closing_rows (id int PRIMARY KEY, touches int NOT NULL DEFAULT 0);
     INSERT INTO closing_rows (id) SELECT generate_series(1, 5000)`,
  );
  await client.end();
}

/** Opens an app in each process, does to the servers what the mode asks for, closes the apps, and so on. */
async function closeApps(mode: Mode, servers: Servers, lanes: readonly Lane[]): Promise<void> {
  const random = new Random(Number(values.seed));
  for (let at = 0; at < Number(values.apps); at += lanes.length) {
    const seeds = lanes.map((_, i) => Number(values.seed) * 100_000 + at + i);
    await Promise.all(lanes.map((lane, i) => lane.open(seeds[i] ?? 0)));
    await sleep(random.between(0, 2_000));
    await mode.freeze(servers);
    await sleep(random.between(0, 300));
    await Promise.all(lanes.map((lane, i) => lane.close(seeds[i] ?? 0)));
    await mode.thaw(servers);
  }
  await Promise.all(lanes.map((lane) => lane.end()));
  await Promise.all(lanes.map((lane, i) => lane.open(i, 'openForSignal')));
  await mode.freeze(servers);
  await Promise.all(lanes.map((lane, i) => lane.endBySignal(i)));
  await mode.thaw(servers);
}

const chosen = Object.entries(MODES).filter(([name]) => values.mode === undefined || name === values.mode);
if (chosen.length === 0) {
  console.error(`Expected --mode ${Object.keys(MODES).join(', ')}, got ${values.mode}`);
  process.exit(2);
}
const child = await bundleChild(new URL('child.ts', import.meta.url));
process.once('exit', () => child.remove());
const busy = Array.from({ length: Number(values.load) }, () => new Worker('for (;;);', { eval: true }));
const [postgres, redis] = await Promise.all([startPostgres({ maxConnections: 200 }), startRedis()]);
await fillDatabase(postgres.url);
console.log(
  `seed ${values.seed}, ${values.apps} apps in ${values.processes} processes; promised: ${SHUTDOWN_TIMEOUT + PROMISED_MS} ms`,
);

const failed: string[] = [];
for (const [name, mode] of chosen) {
  const from = performance.now();
  const plan: ClosingPlan = {
    databaseUrl: postgres.url,
    redisUrl: redis.url,
    shutdownTimeout: SHUTDOWN_TIMEOUT,
  };
  const lanes = Array.from({ length: Number(values.processes) }, () => new Lane(child.url, plan));
  await closeApps(mode, { postgres, redis }, lanes);
  const failures = lanes.flatMap((lane) => lane.failures);
  const closed = lanes.reduce((sum, lane) => sum + lane.closed, 0);
  const slowest = Math.round(Math.max(...lanes.map((lane) => lane.slowestMs)));
  const seconds = ((performance.now() - from) / 1000).toFixed(0);
  if (failures.length > 0) {
    failed.push(name);
  }
  console.log(
    `${name}: ${closed} apps closed, slowest ${slowest} ms, ${failures.length} failures, ${seconds} s` +
      failures.map((failure) => `\n  ${failure}`).join(''),
  );
}
await Promise.all(busy.map((worker) => worker.terminate()));
await Promise.all([postgres.stop(), redis.stop()]);
const passed = chosen.length - failed.length;
if (values.outputFile) {
  writeFileSync(
    values.outputFile,
    JSON.stringify({
      success: failed.length === 0,
      numPassedTests: passed,
      testResults: failed.map((name) => ({
        name: `test/closing, seed ${values.seed}`,
        status: 'failed',
        assertionResults: [{ status: 'failed', fullName: name }],
      })),
    }),
  );
}
console.log(`${passed} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);
