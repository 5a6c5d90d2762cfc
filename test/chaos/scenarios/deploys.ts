import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import type { Child, Fleet } from '../fleet.js';
import { BRIEF_LOCK_MS } from '../plan.js';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const NAMES = ['touch', 'touch-batch', 'touch-rows'];
const VERSIONS = ['1', '2'] as const;
const PROCESSES = 2;
const now = () => performance.timeOrigin + performance.now();

type Version = (typeof VERSIONS)[number];

export const deployScenarios: Scenario[] = [
  {
    name: 'kill processes of two versions while their run is adopted forth and back',
    seeds: 2,
    run: deploys,
  },
];

/** The processes of both versions, and when their handlers began. */
class Deployment {
  readonly starts: Record<Version, number[]> = { '1': [], '2': [] };
  private readonly children: Record<Version, Child[]> = { '1': [], '2': [] };

  constructor(private readonly fleet: Fleet) {}

  async open(): Promise<void> {
    await Promise.all(
      VERSIONS.flatMap((version) => Array.from({ length: PROCESSES }, () => this.launch(version))),
    );
  }

  async launch(version: Version): Promise<void> {
    this.children[version].push(await this.fleet.start({ version }));
  }

  /** Kills one of the processes, or all. */
  async kill(version: Version, at?: number): Promise<void> {
    const children = this.children[version];
    for (const child of at === undefined ? children.splice(0) : children.splice(at, 1)) {
      this.starts[version].push(...(await child.starts()));
      await this.fleet.kill(child);
    }
  }

  async collect(): Promise<void> {
    for (const version of VERSIONS) {
      for (const child of this.children[version]) {
        this.starts[version].push(...(await child.starts()));
      }
    }
  }
}

async function deploys(arena: Arena): Promise<Outcome> {
  const { random } = arena;
  const name = random.pick(NAMES);
  await arena.seed({ rows: 24_000 });
  const fleet = arena.fleet({
    lockDuration: BRIEF_LOCK_MS,
    handlerMs: 10,
    version: '1',
    onOtherVersion: 'hold',
  });
  const operator = await fleet.start({ workers: false });
  const deployment = new Deployment(fleet);
  await deployment.open();
  const adoptions: { readonly at: number; readonly version: Version }[] = [{ at: 0, version: '1' }];
  // Slow enough for all kills and adoptions, however long a process takes to start.
  await operator.call('start', name, {
    config: { batchSize: 20, perSecondOnPeak: 10, perSecondOffPeak: 10, duration: 2 },
  });
  await fleet.until(operator, name, ({ done }) => done > 20);

  // Nobody is left that may go on with it.
  await deployment.kill('1');
  const { stateReason } = await fleet.until(operator, name, ({ state }) => state === 'paused');
  assert.match(String(stateReason), /run of version 1 of the handler, and this process has version 2/);
  await adopt(fleet, operator, name, '2', adoptions);
  await Promise.all(Array.from({ length: PROCESSES }, () => deployment.launch('1')));

  for (const version of ['1', '2'] as const) {
    for (let kills = random.between(1, 3); kills > 0; kills--) {
      await sleep(random.between(100, 800));
      const killed = random.pick(VERSIONS);
      await deployment.kill(killed, random.between(0, PROCESSES - 1));
      await deployment.launch(killed);
    }
    await operator.call('pause', name);
    await adopt(fleet, operator, name, version, adoptions);
  }
  await operator.call('configure', name, { perSecondOnPeak: null, perSecondOffPeak: null });
  const status = await fleet.finished(operator, name, 300_000);
  await deployment.collect();

  for (const version of VERSIONS) {
    const strays = deployment.starts[version].filter((at) => inForce(adoptions, at) !== version);
    assert.deepEqual(strays, [], `version ${version} began ranges while the run was of the other version`);
    assert(deployment.starts[version].length > 0, `version ${version} did nothing`);
  }
  assert.equal(status.version, '2');
  assert.deepEqual(fleet.logs(/UNHANDLED/), []);
  const faults = fleet.kills + adoptions.length - 1;
  return verify(arena, operator, status, { faults, mostTouches: 1 + faults });
}

/** Has the paused run go on with a version, once no process has ranges of the other in flight. */
async function adopt(
  fleet: Fleet,
  operator: Child,
  name: string,
  adoptVersion: Version,
  adoptions: { at: number; version: Version }[],
): Promise<void> {
  await fleet.until(operator, name, ({ workers }) => workers === 0);
  const before = await operator.call<BackfillStatus>('status', name);
  assert.equal(before.state, 'paused');
  adoptions.push({ at: now(), version: adoptVersion });
  await operator.call('resume', name, { adoptVersion });
  await fleet.until(operator, name, ({ done, state }) => done > before.done + 20 || state === 'completed');
}

function inForce(adoptions: readonly { at: number; version: Version }[], at: number): Version | undefined {
  return adoptions.findLast((adoption) => adoption.at <= at)?.version;
}
