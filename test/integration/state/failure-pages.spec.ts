import type { Redis } from 'ioredis';
import type { BackfillFailure } from 'nestjs-backfill';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { createAppBench, defineBackfill, numbers, type NumberRow } from '../../support/apps/index.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();
const ROWS = 40;
const RETRIES = sized(6, 40);
const config = {
  batchSize: 20,
  attempts: 1,
  maxInitialFailures: null,
  rowConcurrency: 20,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};

const failing = (rows = ROWS) =>
  defineBackfill<never, NumberRow>({
    name: 'failing',
    source: numbers(rows),
    config,
    processRow: ({ id }) => {
      throw new Error(`row ${id} is broken`);
    },
  });

describe('a page of failures', () => {
  it('can be read at any moment while failures are retried and fail again', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing()] });
    await backfills.start('failing');
    await finished('failing');
    const over = new AbortController();
    let pages = 0;
    const readers = Array.from({ length: 12 }, async () => {
      while (!over.signal.aborted) {
        const { items } = await backfills.failures('failing', { limit: ROWS });
        expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
        expect(items.every(({ error }) => error.message.endsWith('is broken'))).toBe(true);
        pages++;
      }
    });
    const retries = (async () => {
      try {
        for (let i = 0; i < RETRIES; i++) {
          const { items } = await backfills.failures('failing', { limit: 3 });
          await backfills.retryFailures('failing', { ids: items.map(({ id }) => id) });
          await backfills.retryFailures('failing');
        }
      } finally {
        over.abort();
      }
    })();
    await Promise.all([...readers, retries]);
    expect(pages).toBeGreaterThan(RETRIES);
    expect(await finished('failing')).toMatchObject({ state: 'failed', rowsFailed: ROWS });
  });

  it('is read in one step: nothing comes between its ids and their records', async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [failing(1)] });
    const { runId } = await backfills.start('failing');
    await finished('failing');
    const client = app.get(RedisConnections, { strict: false }).client as Redis;
    const keys = app.get(BackfillKeys, { strict: false });
    const [[id, record] = ['', '']] = Object.entries(await client.hgetall(keys.failures(runId)));
    const retrier = client.duplicate();
    const remove = () =>
      retrier.multi().hdel(keys.failures(runId), id).zrem(keys.failureOrder(runId), id).exec();
    const add = (sequence: number) =>
      retrier
        .multi()
        .hset(keys.failures(runId), id, record)
        .zadd(keys.failureOrder(runId), sequence, id)
        .exec();
    await remove();
    // Before each command of the app the failure is retried, or fails again, by turns.
    let steps = 0;
    let last: Promise<unknown> = Promise.resolve();
    const send = client.sendCommand.bind(client);
    client.sendCommand = (command, stream) => {
      last = last
        .then(() => (++steps % 2 === 0 ? add(steps + 1) : remove()))
        .then(() => send(command, stream));
      return command.promise;
    };
    try {
      for (let i = 0; i < 50; i++) {
        const { items } = await backfills.failures('failing', { runId });
        expect(items.filter((item) => item.id !== id)).toEqual([]);
      }
    } finally {
      client.sendCommand = send;
      await last;
      retrier.disconnect();
    }
  });

  it('begins with the newest, and pages never repeat a failure that fails again meanwhile', async () => {
    const { backfills, finished } = await bench.start({ handlers: [failing(10)] });
    await backfills.start('failing');
    await finished('failing');
    const { items: before } = await backfills.failures('failing');
    const oldest = before.at(-1) as BackfillFailure;
    const newestFirst = before.map(({ failedAt }) => failedAt);
    expect(newestFirst).toEqual(newestFirst.toSorted().toReversed());

    const first = await backfills.failures('failing', { limit: 4 });
    expect(first.items).toEqual(before.slice(0, 4));
    await backfills.retryFailures('failing', { ids: [oldest.id] });
    await finished('failing');
    const second = await backfills.failures('failing', { limit: 4, after: String(first.next) });
    const third = await backfills.failures('failing', { limit: 4, after: String(second.next) });
    expect(second.items).toEqual(before.slice(4, 8));
    // The one that has failed again is the newest by now.
    expect(third).toEqual({ items: [before[8]], next: null });
    const [newest] = (await backfills.failures('failing', { limit: 1 })).items;
    expect(newest?.id).toBe(oldest.id);
  });

  it('has what a group and a search select, of any number of failures', async () => {
    const kinds = defineBackfill<never, NumberRow>({
      name: 'failing',
      source: numbers(1_300),
      config: { ...config, batchSize: 100 },
      processRow: ({ id }) => {
        if (id % 100 === 3) {
          throw new RangeError(`account "acc-${id}" has no Currency`);
        }
        throw new TypeError(`row ${id} is broken`);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [kinds] });
    await backfills.start('failing');
    await finished('failing');
    const { total, groups } = await backfills.failureGroups('failing');
    expect(total).toBe(1_300);
    expect(groups.map(({ error, message, count, rows }) => ({ error, message, count, rows }))).toEqual([
      { error: 'TypeError', message: 'row … is broken', count: 1_287, rows: 1_287 },
      { error: 'RangeError', message: 'account "…" has no Currency', count: 13, rows: 13 },
    ]);
    const [wide, rare] = groups;
    const [newest] = (await backfills.failures('failing', { limit: 1, group: String(wide?.id) })).items;
    expect(wide?.example).toEqual(newest);

    const group = String(rare?.id);
    const first = await backfills.failures('failing', { group, limit: 10 });
    const second = await backfills.failures('failing', { group, limit: 10, after: String(first.next) });
    const items = [...first.items, ...second.items];
    expect([first.items.length, second.items.length, second.next]).toEqual([10, 3, null]);
    expect(new Set(items.map(({ key }) => Number(key) % 100))).toEqual(new Set([3]));
    expect(items.at(-1)?.failedAt).toBe(rare?.firstAt);
    expect(items[0]?.failedAt).toBe(rare?.lastAt);
    const found = await backfills.failures('failing', { search: 'NO CURRENCY', limit: 1_000 });
    expect(found).toEqual({ items, next: null });
    expect((await backfills.failures('failing', { search: 'acc-103"' })).items).toHaveLength(1);
    expect(
      (await backfills.failures('failing', { search: 'rangeerror', group: String(wide?.id) })).items,
    ).toEqual([]);
    expect((await backfills.failures('failing', { group: 'unknown' })).items).toEqual([]);
    await expect(backfills.failures('failing', { search: 'x'.repeat(201) })).rejects.toThrow(/search/);
  });

  it('groups change with the failures', async () => {
    let broken = (id: number) => id <= 6;
    const handler = defineBackfill<never, NumberRow>({
      name: 'failing',
      source: numbers(10),
      config,
      processRow: ({ id }) => {
        if (broken(id)) {
          throw new Error(id % 2 === 0 ? 'even' : 'odd');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    expect(await backfills.failureGroups('failing')).toEqual({ total: 0, groups: [] });
    const { runId } = await backfills.start('failing');
    await finished('failing');
    const before = await backfills.failureGroups('failing', { runId });
    expect(before.groups.map(({ count }) => count)).toEqual([3, 3]);
    expect(await backfills.failureGroups('failing')).toEqual(before);
    broken = (id) => id === 1;
    await backfills.retryFailures('failing');
    await finished('failing');
    const after = await backfills.failureGroups('failing');
    expect(after.groups).toMatchObject([{ message: 'odd', count: 1, example: { key: 1 } }]);
    expect(after.groups[0]?.id).toBe(before.groups.find(({ message }) => message === 'odd')?.id);
    expect(await backfills.failureGroups('failing', { runId: 'unknown' })).toEqual({ total: 0, groups: [] });
  });

  it('with a filter, ends early where it has read very many', async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [failing(1)] });
    const { runId } = await backfills.start('failing');
    await finished('failing');
    const client = app.get(RedisConnections, { strict: false }).client as Redis;
    const keys = app.get(BackfillKeys, { strict: false });
    const [record = ''] = await client.hvals(keys.failures(runId));
    const many = 60_000;
    for (let at = 2; at <= many; at += 5_000) {
      const sequences = Array.from({ length: Math.min(5_000, many - at + 1) }, (_, i) => at + i);
      await client.hset(keys.failures(runId), ...sequences.flatMap((i) => [`row-${i}`, record]));
      await client.zadd(keys.failureOrder(runId), ...sequences.flatMap((i) => [i, `row-${i}`]));
    }
    await client.hset(keys.run(runId), 'failureSequence', many);
    const { total, groups } = await backfills.failureGroups('failing');
    expect([total, groups.length]).toEqual([many, 1]);
    const first = await backfills.failures('failing', { search: 'nowhere' });
    expect(first).toEqual({ items: [], next: expect.any(String) as string });
    const second = await backfills.failures('failing', { search: 'nowhere', after: String(first.next) });
    expect(second).toEqual({ items: [], next: null });
  });
});
