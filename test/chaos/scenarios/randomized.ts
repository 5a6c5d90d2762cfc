import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { BackfillStatus } from 'nestjs-backfill';
import type { Child, Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 0.5);
const WORKERS = 3;

/** Everything at random at once, on a table with poison rows. */
export const randomized: Scenario[] = [{ name: 'everything at random', seeds: 2, run: everything }];

async function everything(arena: Arena): Promise<Outcome> {
  const { random } = arena;
  const name = random.pick(['touch', 'touch-batch', 'touch-rows']);
  // About as many as all that time takes at the rates that are drawn.
  const rows = Math.max(40_000, Math.round(36_000 * MINUTES));
  await arena.seed({ rows, poisonEvery: random.between(700, 2_000) });
  const fleet = arena.fleet({ lockDuration: BRIEF_LOCK_MS, handlerMs: 10 });
  const operator = await fleet.start({ workers: false });
  const workers: Child[] = await Promise.all(Array.from({ length: WORKERS }, () => fleet.start()));
  await operator.call('start', name, { config: pace(arena, rows) });

  const client = new Redis(arena.redis.url);
  client.on('error', () => undefined);
  const deadline = performance.now() + MINUTES * 60_000;
  let faults = 0;
  let touching = 0;
  while (performance.now() < deadline) {
    await sleep(random.between(1_000, 3_000));
    const kind = random.pick([
      'kill',
      'kill',
      'kill',
      'redis',
      'cut',
      'cut',
      'terminate',
      'stop',
      'pause',
      'configure',
    ]);
    faults++;
    touching += ['kill', 'redis', 'stop', 'cut', 'terminate'].includes(kind) ? 1 : 0;
    await inject(kind, { arena, fleet, operator, workers, name, client });
    const { state } = await operator.call<BackfillStatus>('status', name);
    if (state === 'completed' || state === 'failed') {
      break;
    }
  }
  client.disconnect();
  await operator.call('configure', name, {
    perSecondOnPeak: null,
    perSecondOffPeak: null,
    batchSize: 100,
    concurrency: 10,
  });
  await ignoringState(operator.call('resume', name));
  const status = await fleet.finished(operator, name, 300_000);
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  return verify(arena, operator, status, { faults, mostTouches: 1 + touching });
}

interface Stage {
  readonly arena: Arena;
  readonly fleet: Fleet;
  readonly operator: Child;
  readonly workers: Child[];
  readonly name: string;
  readonly client: Redis;
}

async function inject(kind: string, { arena, fleet, operator, workers, name, client }: Stage): Promise<void> {
  const { random } = arena;
  switch (kind) {
    case 'kill': {
      const at = random.between(0, workers.length - 1);
      await fleet.kill(workers[at] as Child);
      workers[at] = fleet.launch();
      break;
    }
    case 'stop': {
      const worker = random.pick(workers);
      worker.signal('SIGSTOP');
      await sleep(random.between(1_000, 4_000));
      worker.signal('SIGCONT');
      break;
    }
    case 'redis':
      await arena.redis.kill();
      await sleep(random.between(0, 1_000));
      await arena.redis.restart();
      break;
    case 'cut':
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      break;
    case 'terminate':
      await arena.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
      );
      break;
    case 'pause':
      await ignoringState(operator.call('pause', name));
      await sleep(random.between(0, 1_500));
      await ignoringState(operator.call('resume', name));
      break;
    default:
      await operator.call('configure', name, pace(arena, 0));
  }
}

function pace({ random }: Arena, rows: number): object {
  return {
    batchSize: random.pick([10, 20, 50]),
    concurrency: random.between(2, 8),
    rowConcurrency: random.between(1, 10),
    duration: random.between(1, 10),
    ...(rows > 0 || random.next() < 0.5
      ? { perSecondOnPeak: 30, perSecondOffPeak: 30 }
      : { perSecondOnPeak: random.between(5, 60), perSecondOffPeak: random.between(5, 60) }),
  };
}

/** A run that is over meanwhile can be neither paused nor resumed. */
async function ignoringState(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    assert.match(String(error), /cannot become/);
  }
}
