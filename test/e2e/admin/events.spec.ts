import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { openEvents, startAdminApp, type AdapterName } from '../../support/admin/index.js';

const bench = await createAppBench();

describe.each<AdapterName>(['express', 'fastify'])('the event stream on %s', (adapter) => {
  const start = (workers = true) =>
    startAdminApp(bench, {
      adapter,
      workers,
      admin: { path: 'ops', allowUnguarded: true, heartbeatMs: 50 },
      handlers: ['one', 'two'].map((name) =>
        defineBackfill({
          name,
          source: numbers(5),
          config: { perSecondOnPeak: null, perSecondOffPeak: null },
          processRange: () => {},
        }),
      ),
    });

  it('sends events of other processes and heartbeats, and ends at shutdown', async () => {
    const watching = await start(false);
    const working = await start();
    const reader = await openEvents(`${watching.client.base}/events`);
    expect(reader.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(reader.response.headers['cache-control']).toContain('no-transform');
    expect(reader.response.headers['x-accel-buffering']).toBe('no');
    await working.backfills.start('one');
    await reader.until('the end of the run', ({ data }) => data?.includes('"completed"') === true);
    await reader.until('a heartbeat', ({ comment }) => comment === 'alive');
    expect(reader.events().map(({ type }) => type)).toEqual(expect.arrayContaining(['started', 'completed']));
    await watching.close();
    await reader.ended();
    await working.close();
  });

  it('resumes after the last event, also in another process', async () => {
    const first = await start();
    const before = await openEvents(`${first.client.base}/events`);
    await first.backfills.start('one');
    await before.until('the end', ({ data }) => data?.includes('"completed"') === true);
    before.close();
    const [seen, ...missed] = before.events();
    await first.backfills.start('two');
    const second = await start();
    const after = await openEvents(`${second.client.base}/events`, { 'last-event-id': seen?.id ?? '' });
    await after.until(
      'the end of two',
      ({ data }) => data?.includes('"completed","backfill":"two"') === true,
    );
    const resumed = after.events();
    expect(resumed.slice(0, missed.length)).toEqual(missed);
    expect(new Set(resumed.map(({ id }) => id)).size).toBe(resumed.length);
    after.close();

    const one = await openEvents(`${second.client.base}/events?backfill=two&lastEventId=${seen?.id}`);
    await one.until('the end of two', ({ data }) => data?.includes('"completed"') === true);
    expect(new Set(one.events().map(({ backfill }) => backfill))).toEqual(new Set(['two']));
    one.close();
    await Promise.all([first.close(), second.close()]);
  });

  it.each(['0-1', 'nonsense'])('sends a reset where it cannot resume after %s', async (id) => {
    const admin = await start();
    const reader = await openEvents(`${admin.client.base}/events`, { 'last-event-id': id });
    await reader.until('a reset', ({ event }) => event === 'reset');
    reader.close();
    await admin.close();
  });
});
