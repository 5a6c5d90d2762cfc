import { jest } from '@jest/globals';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });

function work(name: string, config = {}) {
  return defineBackfill({
    name,
    source: numbers(100_000),
    config: { batchSize: 10, ...rate(0), ...config },
    processRange: () => 10,
  });
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('the overview', () => {
  it('has every backfill in order, with its status and rows a second', async () => {
    const { backfills } = await bench.start({ handlers: [work('b', rate(50)), work('a'), work('c')] });
    await backfills.start('b');
    const overview = await eventually(
      'rows a second',
      () => backfills.overview(),
      ({ backfills: all }) => all.some(({ recent }) => recent.some((rows) => rows > 0)),
    );
    expect(overview.names).toEqual(['a', 'b', 'c']);
    expect(overview.backfills.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'idle'],
      ['b', 'running'],
      ['c', 'idle'],
    ]);
    expect(overview.now).toMatch(/^\d{4}-.*Z$/);
    expect(overview.backfills[1]?.recent).toHaveLength(30);
    expect(Math.max(...(overview.backfills[1]?.recent ?? []))).toBeLessThan(2_000);
    expect(overview.backfills[0]?.recent).toEqual([]);
    const { recent: _, ...listed } = overview.backfills[0] ?? { recent: [] };
    const status = await backfills.status('a');
    expect({ ...listed, now: '' }).toEqual({ ...status, now: '' });
    await backfills.cancel('b');
  });

  it('has only what changed since a revision, and everything for one that is not known', async () => {
    const { backfills } = await bench.start({ handlers: [work('a'), work('b'), work('c')] });
    const first = await backfills.overview();
    expect(first.backfills).toHaveLength(3);
    const changed = async (after: string) =>
      (await backfills.overview(after)).backfills.map(({ name }) => name);
    await pause(1_100);
    expect(await changed(first.revision)).toEqual([]);
    await backfills.start('b');
    await eventually(
      'the change',
      () => changed(first.revision),
      (names) => names.includes('b'),
    );
    await backfills.pause('b', { by: 'carol' });
    await eventually(
      'the pause',
      () => backfills.overview(first.revision),
      ({ backfills: [b] }) => b?.pausedBy === 'carol',
    );
    await backfills.configure('c', rate(5), { by: 'carol' });
    for (const unknown of ['', 'nope', 'zzzzzzzzzzzz', '0', '-1']) {
      expect(await changed(unknown)).toEqual(['a', 'b', 'c']);
    }
    await backfills.cancel('b');
    const last = await eventually(
      'the end',
      () => backfills.overview(first.revision),
      ({ backfills: [b] }) => b?.state === 'cancelled',
    );
    expect(last.names).toEqual(['a', 'b', 'c']);
    await pause(1_100);
    expect(await changed(last.revision)).toEqual([]);
  });

  it('answers what changed in whichever process is asked', async () => {
    const handlers = [work('a'), work('b')];
    const one = await bench.start({ handlers });
    const other = await bench.start({ handlers });
    await other.backfills.overview();
    // One reads later than the other, whose read is shared for a second.
    const { revision } = await one.backfills.overview();
    await one.backfills.start('a');
    const overview = await eventually(
      'the change',
      () => other.backfills.overview(revision),
      ({ backfills }) => backfills.length > 0,
    );
    expect(overview.backfills.map(({ name }) => name)).toEqual(['a']);
    await one.backfills.cancel('a');
  });

  it('asks Redis with one command while nothing happens, and shows what another process does', async () => {
    const handlers = [work('a'), work('b')];
    const one = await bench.start({ handlers });
    const other = await bench.start({ handlers });
    const first = await one.backfills.overview();
    const run = jest.spyOn(scripts.overview, 'run');
    await pause(1_100);
    const { revision, now, backfills } = await one.backfills.overview(first.revision);
    expect(run).not.toHaveBeenCalled();
    run.mockRestore();
    // Another process may know of changes since that read.
    expect({ revision, backfills }).toEqual({ revision: first.revision, backfills: [] });
    expect(Date.parse(now)).toBeGreaterThanOrEqual(Date.parse(first.now) + 1_000);
    await other.backfills.configure('b', rate(5));
    await other.backfills.start('a');
    await eventually(
      'the run',
      () => one.backfills.overview(revision),
      ({ backfills: changed }) => changed.some(({ name, state }) => name === 'a' && state === 'running'),
    );
    await other.backfills.cancel('a');
    await eventually(
      'its end',
      () => one.backfills.overview(revision),
      ({ backfills: changed }) => changed.some(({ name, state }) => name === 'a' && state === 'cancelled'),
    );
  });

  it('of a backfill whose state is corrupt hides no other', async () => {
    const { backfills } = await bench.start({ handlers: ['a', 'b', 'c', 'd'].map((name) => work(name)) });
    const { client } = bench.redis;
    const keyOf = async (name: string) => {
      const { runId } = await backfills.start(name);
      return (await client.keys(`*:run:${runId}`))[0] ?? '';
    };
    await client.hset(await keyOf('a'), 'planned', 'many');
    const b = await keyOf('b');
    await client.del(b);
    await client.set(b, 'no hash');
    await keyOf('c');
    for (const read of [() => backfills.list(), async () => (await backfills.overview()).backfills]) {
      const statuses = await read();
      expect(statuses.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
      expect(statuses[0]?.warnings[0]).toContain('"planned"');
      expect(statuses[1]?.warnings[0]).toContain('WRONGTYPE');
      expect(statuses[2]).toMatchObject({ state: 'running', warnings: [] });
      expect(statuses[3]).toMatchObject({ state: 'idle' });
    }
    await expect(backfills.status('b')).rejects.toThrow('WRONGTYPE');
  });

  it('sees that Redis has lost its data', async () => {
    const { backfills } = await bench.start({ handlers: [work('a')] });
    await backfills.start('a');
    await eventually(
      'the run',
      () => backfills.overview(),
      ({ backfills: [a] }) => a?.state === 'running',
    );
    await backfills.cancel('a');
    await eventually(
      'its end',
      () => backfills.overview(),
      ({ backfills: [a] }) => a?.state === 'cancelled',
    );
    const keys = await bench.redis.client.keys(`*${bench.keyPrefix()}*`);
    await bench.redis.client.del(...keys);
    await eventually(
      'the loss',
      () => backfills.overview(),
      ({ backfills: [a] }) => a?.state === 'idle',
    );
  });

  it('is one read of Redis for all requests of a second', async () => {
    const { backfills } = await bench.start({ handlers: ['a', 'b', 'c'].map((name) => work(name)) });
    const run = jest.spyOn(scripts.overview, 'run');
    const [one, ...others] = await Promise.all(Array.from({ length: 50 }, () => backfills.overview()));
    expect(run).toHaveBeenCalledTimes(1);
    const timeless = ({ backfills: all = [], ...overview }: Partial<typeof one> = {}) => ({
      ...overview,
      now: '',
      backfills: all.map((status) => ({ ...status, now: '' })),
    });
    for (const other of others) expect(timeless(other)).toEqual(timeless(one));
    await backfills.list();
    expect(run).toHaveBeenCalledTimes(2);
    run.mockRestore();
  });
});
