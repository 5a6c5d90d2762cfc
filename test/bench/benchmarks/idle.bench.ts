import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../../support/processes/index.js';
import { AppFleet } from '../app-fleet.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { paceName } from '../handlers.js';
import { median, spread } from '../statistics.js';

const MOST_CORE = 0.005;
const MOST_BOOT_MS = 60;
const SLOW = paceName(0.5);
const COLLECTABLE = ['--expose-gc'];

/** What the library costs an app that has next to nothing to do, and its start. */
export const idle: Benchmark = {
  name: 'idle',
  beside: 'the same app without the library',
  async run(arena) {
    const [bare, paused, paced] = [
      await arena.fork({ role: 'bare-app', keyPrefix: '' }, COLLECTABLE),
      (await AppFleet.start(arena, 1, {}, COLLECTABLE)).operator,
      (await AppFleet.start(arena, 1, {}, COLLECTABLE)).operator,
    ] as const;
    await paused.call('start', SLOW);
    await paced.call('start', SLOW);
    await sleep(arena.size(3_000, 500));
    await paused.call('pause', SLOW);
    // The engine tidies up after a start for a while, which is not what this is about: the other one goes first.
    const booted = await boot(arena);
    await sleep(arena.size(5_000, 500));
    // Else it depends on the moment whether what was left by the start is collected while idling.
    await Promise.all([bare, paused, paced].map((app) => app.call('heapUsed')));
    return [...(await cpu(arena, bare, paused, paced)), booted];
  },
};

async function cpu(arena: BenchArena, ...apps: readonly RemoteProcess[]): Promise<Finding[]> {
  const seconds = arena.size(40, 2);
  const [without = 0, ...shares] = await Promise.all(apps.map((app) => shareOfCore(app, seconds)));
  await arena.end(...apps);
  return shares.map((share, i) => {
    const more = share - without;
    return {
      name: `idle, ${i === 0 ? 'paused' : 'paced at 0.5/s'}`,
      ours: share * 100,
      other: without * 100,
      unit: '% of a core',
      ratio: more / MOST_CORE,
      target: `<= ${MOST_CORE * 100} % of a core more`,
      met: more <= MOST_CORE,
      spread: null,
      note: `${(more * 100).toFixed(2)} % more, over ${seconds} s`,
    };
  });
}

async function shareOfCore(app: RemoteProcess, seconds: number): Promise<number> {
  const before = await app.call<number>('cpu');
  const from = performance.now();
  await sleep(seconds * 1000);
  return ((await app.call<number>('cpu')) - before) / (performance.now() - from) / 1000;
}

async function boot(arena: BenchArena): Promise<Finding> {
  const more: number[] = [];
  const [mine, bare]: [number[], number[]] = [[], []];
  for (let round = 0; round < arena.size(7, 1); round++) {
    const withIt = await bootMs(arena, 'app');
    const without = await bootMs(arena, 'bare-app');
    mine.push(withIt);
    bare.push(without);
    more.push(withIt - without);
  }
  const cost = median(more);
  return {
    name: 'idle, boot',
    ours: median(mine),
    other: median(bare),
    unit: 'ms',
    ratio: cost / MOST_BOOT_MS,
    target: `<= ${MOST_BOOT_MS} ms more`,
    met: cost <= MOST_BOOT_MS,
    spread: spread(more),
    note: `${cost.toFixed(0)} ms more, 10 backfills, modules loaded and their garbage collected`,
  };
}

async function bootMs(arena: BenchArena, role: 'app' | 'bare-app'): Promise<number> {
  const app = await arena.fork({ role, keyPrefix: arena.keyPrefix() }, COLLECTABLE);
  const ms = await app.call<number>('bootMs');
  await arena.end(app);
  return ms;
}
