import { idRange, NonRetryableError } from 'nestjs-backfill';
import { z } from 'zod';
import type {
  BackfillHistoryEntry,
  BackfillOverview,
  BackfillPreview,
  BackfillRun,
  BackfillSample,
  BackfillStatus,
  BudgetStatus,
  ConfigInForce,
  FailureGroups,
  FailurePage,
  HoldReceipt,
  OverrideReceipt,
  RetryReceipt,
  RunReceipt,
} from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import { startAdminApp, type AdapterName, type AdminApp, type ErrorBody } from '../../support/admin/index.js';

const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

const bench = await createAppBench();

describe.each<AdapterName>(['express', 'fastify'])('the endpoints on %s', (adapter) => {
  let admin: AdminApp;
  let broken = true;

  beforeEach(async () => {
    broken = true;
    admin = await startAdminApp(bench, {
      adapter,
      admin: { path: '/admin/backfills/', guards: [{ canActivate: allowAda }] },
      handlers: [
        defineBackfill({
          name: 'held',
          source: numbers(100),
          config: { ...HELD, batchSize: 10 },
          throttles: [{ name: 'idle', measure: () => Promise.resolve({ pressure: 0, reason: '' }) }],
          processRange,
        }),
        defineBackfill({
          name: 'keyed',
          params: z.object({ count: z.int(), token: z.string().meta({ secret: true }) }),
          source: ({ params }) => numbers((params as { count: number }).count),
          config: { ...UNPACED, batchSize: 10 },
          processRange,
        }),
        defineBackfill({
          name: 'spread',
          source: idRange(Item, {
            partitions: {
              low: { contextName: 'default', where: { id: { $lte: 10 } } },
              high: { contextName: 'default', where: { id: { $gt: 10 } } },
            },
          }),
          config: HELD,
          processRange,
        }),
        defineBackfill({
          name: 'flaky',
          description: 'fails at 7',
          source: numbers(20),
          config: { ...UNPACED, batchSize: 5, attempts: 1, backoffMs: 0 },
          processRow: ({ id }: { id: number }) => {
            if (id === 7 && broken) {
              throw new NonRetryableError('seven is bad');
            }
          },
        }),
      ],
      at: 'admin/backfills',
    });
  });
  afterEach(() => admin.close());

  function processRange(): void {}

  it('list every backfill with its status', async () => {
    const { status, body } = await admin.client.get<BackfillStatus[]>();
    expect(status).toBe(200);
    expect(body.map(({ name, state }) => [name, state])).toEqual([
      ['flaky', 'idle'],
      ['held', 'idle'],
      ['keyed', 'idle'],
      ['spread.high', 'idle'],
      ['spread.low', 'idle'],
    ]);
    const one = await admin.client.get<BackfillStatus>('/flaky');
    expect(one.body).toMatchObject({ name: 'flaky', description: 'fails at 7', state: 'idle' });
  });

  it('start, pause and show what has its partitions in several databases, together and singly', async () => {
    await bench.fillItems('SELECT generate_series(1, 20)');
    const started = await admin.client.send<RunReceipt>('POST', '/spread/start');
    expect([started.status, started.body.state]).toEqual([201, 'running']);
    expect(started.body.databases).toMatchObject([{ backfill: 'spread.low' }, { backfill: 'spread.high' }]);
    const one = await admin.client.send<RunReceipt>('POST', '/spread.low/pause');
    expect([one.status, one.body.state, one.body.databases]).toEqual([200, 'paused', undefined]);
    const { body: status } = await admin.client.get<BackfillStatus>('/spread');
    expect(status).toMatchObject({
      state: 'running',
      runId: started.body.runId,
      partitions: [
        { name: 'low', backfill: 'spread.low', state: 'paused' },
        { name: 'high', backfill: 'spread.high', state: 'running' },
      ],
    });
    const all = await admin.client.send<RunReceipt>('POST', '/spread/pause');
    expect([all.status, all.body.state]).toEqual([200, 'paused']);
    const preview = await admin.client.send<BackfillPreview>('POST', '/spread/preview', {});
    expect(preview.body).toMatchObject({
      rowsTotal: 20,
      databases: [
        { partition: 'low', backfill: 'spread.low', rowsTotal: 10 },
        { partition: 'high', backfill: 'spread.high', rowsTotal: 10 },
      ],
    });
    const failures = await admin.client.get<ErrorBody>('/spread/failures');
    expect([failures.status, failures.body.message]).toEqual([
      404,
      expect.stringContaining('spread.low, spread.high'),
    ]);
  });

  it('start, pause, resume and cancel a run, and record who did it and why', async () => {
    const started = await admin.client.send<RunReceipt>('POST', '/held/start', { reason: 'because' });
    expect(started.status).toBe(201);
    expect(started.body).toMatchObject({ state: 'running', changed: true });
    const paused = await admin.client.send<RunReceipt>('POST', '/held/pause', { reason: 'lunch' });
    expect([paused.status, paused.body.state]).toEqual([200, 'paused']);
    const again = await admin.client.send<RunReceipt>('POST', '/held/pause');
    expect([again.status, again.body.changed]).toEqual([200, false]);
    const resumed = await admin.client.send<RunReceipt>('POST', '/held/resume');
    expect([resumed.status, resumed.body.state]).toEqual([200, 'running']);
    const cancelled = await admin.client.send<RunReceipt>('POST', '/held/cancel', { reason: 'wrong table' });
    expect([cancelled.status, cancelled.body.state]).toEqual([200, 'cancelled']);

    const { body: history } = await admin.client.get<BackfillHistoryEntry[]>('/held/history');
    expect(history.map(({ type, data }) => [type, data['by'], data['reason']])).toEqual([
      ['cancelled', 'ada', 'wrong table'],
      ['held', undefined, 'the configured rate is 0'],
      ['resumed', 'ada', null],
      ['paused', 'ada', 'lunch'],
      ['held', undefined, 'the configured rate is 0'],
      ['started', 'ada', 'because'],
    ]);
    const [cancelling, , resuming] = history;
    const { runId } = started.body;
    const page = `before=${cancelling?.id}&types=resumed,started&limit=1&runId=${runId}`;
    const older = await admin.client.get<BackfillHistoryEntry[]>(`/held/history?${page}`);
    expect([older.status, older.body]).toEqual([200, [resuming]]);
    const { body: runs } = await admin.client.get<BackfillRun[]>('/held/runs');
    expect(runs).toMatchObject([{ status: 'cancelled', startedBy: 'ada', reason: 'because' }]);
    const run = await admin.client.get<BackfillRun>(`/held/runs/${started.body.runId}`);
    expect(run.body).toEqual(runs[0]);
  });

  it('return the same run for the same idempotency key', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = await admin.client.send<RunReceipt>('POST', '/held/start', {}, key);
    const second = await admin.client.send<RunReceipt>('POST', '/held/start', {}, key);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual({ ...first.body, changed: false });
  });

  it('accept the bounds of a start as numbers or strings', async () => {
    await admin.client.send('POST', '/held/start', { from: 50, to: '41', config: { batchSize: 2 } });
    const { body } = await admin.client.get<BackfillStatus>('/held');
    expect(body.rowsTotal).toBe(10);
    expect((await admin.client.get<ConfigInForce>('/held/config')).body.patch).toEqual({ batchSize: 2 });
  });

  it('take bounds of a concurrency, and name the field of bounds that are none', async () => {
    const configure = <Body>(patch: object) => admin.client.send<Body>('PATCH', '/held/config', patch);
    const bounds = { min: 2, max: 16 };
    const changed = await configure<ConfigInForce>({ concurrency: bounds, rowConcurrency: bounds });
    expect(changed.body.config).toMatchObject({ concurrency: bounds, rowConcurrency: bounds });
    const read = await admin.client.get<ConfigInForce>('/held/config');
    expect(read.body.config).toEqual(changed.body.config);
    const refused: unknown[] = [
      { min: 3, max: 2 },
      { min: 0, max: 2 },
      { min: 1 },
      { max: 4 },
      { min: 1, max: 1e9 },
      { min: 1.5, max: 2 },
      { ...bounds, x: 1 },
      [1, 2],
    ];
    for (const concurrency of refused) {
      const { status, body } = await configure<ErrorBody>({ concurrency });
      expect([concurrency, status]).toEqual([concurrency, 400]);
      expect(JSON.stringify(body)).toContain('concurrency');
    }
    expect((await admin.client.get<ConfigInForce>('/held/config')).body).toEqual(read.body);
    const back = await configure<ConfigInForce>({ concurrency: 4, rowConcurrency: 1 });
    expect(back.body.config).toMatchObject({ concurrency: 4, rowConcurrency: 1 });
  });

  it('change the config for its current version, not for a stale one', async () => {
    const read = await admin.client.get<ConfigInForce>('/held/config');
    const tag = read.headers.get('etag') ?? '';
    expect(tag).toBe(`"${read.body.version}"`);
    const changed = await admin.client.send<ConfigInForce>(
      'PATCH',
      '/held/config',
      { batchSize: 7, reason: 'smaller' },
      { 'if-match': tag },
    );
    expect([changed.status, changed.body.config.batchSize]).toEqual([200, 7]);
    expect(changed.headers.get('etag')).not.toBe(tag);

    const stale = await admin.client.send<ErrorBody>(
      'PATCH',
      '/held/config',
      { batchSize: 8 },
      { 'if-match': tag },
    );
    expect([stale.status, stale.body.code]).toEqual([412, 'BACKFILL_CONFIG_STALE']);
    expect((await admin.client.get<ConfigInForce>('/held/config')).body).toEqual(changed.body);
    const [entry] = (await admin.client.get<BackfillHistoryEntry[]>('/held/history')).body;
    expect(entry).toMatchObject({
      type: 'configured',
      data: { patch: { batchSize: 7 }, by: 'ada', reason: 'smaller' },
    });
  });

  it('preview a run without starting it', async () => {
    const query = new URLSearchParams({
      from: '30',
      limit: '2',
      at: '2030-01-01T00:00:00Z',
      config: '{"batchSize":10,"perSecondOnPeak":1,"perSecondOffPeak":1}',
    });
    const { status, body } = await admin.client.get<BackfillPreview>(`/held/preview?${query.toString()}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      total: 3,
      ranges: [
        { low: 21, high: 30, runAt: '2030-01-01T00:00:00.000Z' },
        { runAt: '2030-01-01T00:00:01.000Z' },
      ],
    });
    expect((await admin.backfills.status('held')).state).toBe('idle');
  });

  it('preview and start a run with parameters, and show no secret of them', async () => {
    const params = { count: 30, token: 'geheim' };
    const preview = await admin.client.send<BackfillPreview>('POST', '/keyed/preview', {
      params,
      at: '2030-01-01T00:00:00Z',
      limit: 2,
    });
    expect([preview.status, preview.body.total, preview.body.ranges.length]).toEqual([200, 3, 2]);
    const query = new URLSearchParams({ params: JSON.stringify({ ...params, count: 20 }) });
    expect((await admin.client.get<BackfillPreview>(`/keyed/preview?${query.toString()}`)).body.total).toBe(
      2,
    );
    const wrong = await admin.client.send<ErrorBody>('POST', '/keyed/start', {
      params: { count: 'many', token: 7 },
    });
    expect([wrong.status, wrong.body]).toMatchObject([
      400,
      {
        code: 'BACKFILL_PARAMS_INVALID',
        fields: [
          { field: 'params.count', received: '"many"' },
          { field: 'params.token', expected: 'string', received: '***' },
        ],
      },
    ]);
    expect((await admin.client.send('POST', '/keyed/start', { params })).status).toBe(201);
    const { body: status } = await admin.client.get<BackfillStatus>('/keyed');
    expect(status).toMatchObject({
      params: { count: 30, token: '***' },
      takesParams: true,
      paramsSchema: { type: 'object', required: ['count', 'token'] },
    });
    const { body: runs } = await admin.client.get<BackfillRun[]>('/keyed/runs');
    expect(runs).toMatchObject([{ params: { count: 30, token: '***' } }]);
  });

  it('list failures by page, retry them, and list samples', async () => {
    await admin.client.send('POST', '/flaky/start');
    await eventually(
      'the run to fail',
      () => admin.backfills.status('flaky'),
      ({ state }) => state === 'failed',
    );
    const { body: page } = await admin.client.get<FailurePage>('/flaky/failures?limit=1');
    expect(page.items).toMatchObject([{ kind: 'row', key: 7, error: { message: 'seven is bad' } }]);
    for (const cursor of ['after', 'cursor']) {
      const rest = await admin.client.get<FailurePage>(`/flaky/failures?${cursor}=${page.next}`);
      expect(rest.body).toEqual({ items: [], next: null });
    }

    broken = false;
    const ids = page.items.map(({ id }) => id);
    const retried = await admin.client.send<RetryReceipt>('POST', '/flaky/failures/retry', {
      ids,
      reason: 'fixed',
    });
    expect([retried.status, retried.body.retried]).toEqual([200, 1]);
    await eventually(
      'the run to end',
      () => admin.backfills.status('flaky'),
      ({ state }) => state === 'completed',
    );
    const { body: history } = await admin.client.get<BackfillHistoryEntry[]>('/flaky/history?limit=3');
    expect(history.map(({ type }) => type)).toContain('retried');
    const { body: samples } = await admin.client.get<BackfillSample[]>('/flaky/samples');
    expect(Array.isArray(samples)).toBe(true);
  });

  it('group failures, list those of a group or with a text, and retry a group', async () => {
    const { body: run } = await admin.client.send<RunReceipt>('POST', '/flaky/start');
    const ended = (state: string) =>
      eventually(
        'the run to end',
        () => admin.backfills.status('flaky'),
        (status) => status.state === state,
      );
    await ended('failed');
    const { body } = await admin.client.get<FailureGroups>(`/flaky/failure-groups?runId=${run.runId}`);
    const { body: page } = await admin.client.get<FailurePage>('/flaky/failures');
    expect(body).toEqual({
      total: 1,
      groups: [
        {
          id: expect.any(String) as string,
          error: page.items[0]?.error.name,
          message: 'seven is bad',
          count: 1,
          rows: 1,
          firstAt: page.items[0]?.failedAt,
          lastAt: page.items[0]?.failedAt,
          example: page.items[0],
        },
      ],
    });
    const group = body.groups[0]?.id;
    const select = async (query: string) =>
      (await admin.client.get<FailurePage>(`/flaky/failures?${query}`)).body.items.length;
    expect(await select(`group=${group}&search=Seven`)).toBe(1);
    expect([await select('group=x'), await select('search=eight')]).toEqual([0, 0]);
    broken = false;
    const none = await admin.client.send<RetryReceipt>('POST', '/flaky/failures/retry', { group: 'x' });
    expect([none.status, none.body.retried]).toEqual([200, 0]);
    const retried = await admin.client.send<RetryReceipt>('POST', '/flaky/failures/retry', { group });
    expect([retried.status, retried.body.retried]).toEqual([200, 1]);
    await ended('completed');
  });

  it('answer with an overview of all, and then with what has changed', async () => {
    const { status, body } = await admin.client.get<BackfillOverview>('/overview');
    expect(status).toBe(200);
    expect(body.names).toEqual(body.backfills.map(({ name }) => name));
    expect(body.names).toContain('flaky');
    const read = async () => {
      const { body: changed } = await admin.client.get<BackfillOverview>(`/overview?after=${body.revision}`);
      return changed.backfills.map(({ name, state }) => [name, state]);
    };
    await admin.client.send('POST', '/held/start');
    await eventually('the change', read, (changed) => changed.some(([name]) => name === 'held'));
    expect((await read()).flat()).not.toContain('flaky');
    await admin.client.send('POST', '/held/cancel');
    const invalid = await admin.client.get<ErrorBody>(`/overview?after=${'x'.repeat(65)}`);
    expect([invalid.status, invalid.body.code]).toEqual([400, 'BACKFILL_REQUEST_INVALID']);
  });

  it('hold all runs, say so, and release them', async () => {
    expect((await admin.client.get('/hold')).body).toEqual({ hold: null });
    await admin.client.send('POST', '/held/start');
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const held = await admin.client.send<HoldReceipt>('POST', '/hold', { reason: 'incident 42', until });
    expect([held.status, held.body]).toMatchObject([
      200,
      { changed: true, hold: { by: 'ada', reason: 'incident 42', until } },
    ]);
    expect((await admin.client.get('/hold')).body).toEqual({ hold: held.body.hold });
    expect((await admin.client.get<BackfillStatus>('/held')).body).toMatchObject({
      state: 'running',
      held: { scope: 'all', by: 'ada', reason: 'incident 42', until },
    });
    const { body: overview } = await admin.client.get<BackfillOverview>('/overview');
    expect(overview.hold).toEqual(held.body.hold);
    const refused = await admin.client.send<ErrorBody>('POST', '/flaky/rehearse', {});
    expect([refused.status, refused.body.code]).toEqual([409, 'BACKFILL_CONFLICT']);
    expect(refused.body.message).toContain('Release the hold first');
    const { body: history } = await admin.client.get<BackfillHistoryEntry[]>('/*/history');
    expect(history.map(({ type, data }) => [type, data['by']])).toEqual([['heldAll', 'ada']]);
    const released = await admin.client.send<HoldReceipt>('POST', '/hold/release', { reason: 'over' });
    expect([released.status, released.body]).toEqual([200, { hold: null, changed: true }]);
    const again = await admin.client.send<HoldReceipt>('POST', '/hold/release');
    expect([again.status, again.body]).toEqual([200, { hold: null, changed: false }]);
    for (const body of [
      {},
      { reason: ' ' },
      { reason: 'x', until: 'soon' },
      { reason: 'x', until: 978307200000 },
    ]) {
      const invalid = await admin.client.send<ErrorBody>('POST', '/hold', body);
      expect([invalid.status, invalid.body.code]).toEqual([400, 'BACKFILL_REQUEST_INVALID']);
    }
    expect((await admin.client.get('/hold')).body).toEqual({ hold: null });
  });

  it('read and change the budget, and reject a change based on an old version', async () => {
    const read = await admin.client.get<BudgetStatus>('/budget');
    expect([read.status, read.body]).toEqual([
      200,
      {
        context: 'default',
        limits: {
          concurrency: null,
          rangesPerSecond: null,
          rowsPerSecond: null,
          callsPerSecond: {},
          perTable: null,
        },
        patch: {},
        version: '0',
        ranges: 0,
        runs: [],
      },
    ]);
    const tag = { 'if-match': read.headers.get('etag') ?? '' };
    const patch = { concurrency: 1000, callsPerSecond: { directory: 50 } };
    const body = { ...patch, reason: 'busy' };
    const changed = await admin.client.send<BudgetStatus>('PATCH', '/budget', body, tag);
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"1"']);
    expect(changed.body).toMatchObject({ limits: patch, patch, version: '1' });
    const stale = await admin.client.send<ErrorBody>('PATCH', '/budget', { concurrency: 1 }, tag);
    expect([stale.status, stale.body.code]).toEqual([412, 'BACKFILL_BUDGET_STALE']);
    const wrong = { perTable: 0, callsPerSecond: { directory: 'many' }, x: 1 };
    const invalid = await admin.client.send<ErrorBody>('PATCH', '/budget', wrong);
    expect([invalid.status, invalid.body.code]).toEqual([400, 'BACKFILL_CONFIG_INVALID']);
    expect(invalid.body.fields?.map(({ field }) => field)).toEqual([
      'perTable',
      'callsPerSecond.directory',
      'x',
    ]);
    const [entry] = await admin.backfills.history('*', { types: ['budgetConfigured'] });
    expect(entry?.data).toMatchObject({ by: 'ada', reason: 'busy', from: { concurrency: null } });
    const none = { concurrency: null, callsPerSecond: { directory: null } };
    const removed = await admin.client.send<BudgetStatus>('PATCH', '/budget', none);
    expect(removed.body.limits).toEqual(read.body.limits);
  });

  it('override a throttle until a time, and end that', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const body = { throttle: 'idle', factor: 0, until, reason: 'known' };
    const set = await admin.client.send<OverrideReceipt>('POST', '/held/override', body);
    const override = { throttle: 'idle', factor: 0, until, by: 'ada', reason: 'known' };
    expect([set.status, set.body]).toEqual([200, { overrides: [override], changed: true }]);
    expect((await admin.client.get<BackfillStatus>('/held')).body.overrides).toEqual([override]);
    const ended = await admin.client.send('POST', '/held/override', { throttle: 'idle', factor: 1 });
    expect([ended.status, ended.body]).toEqual([200, { overrides: [], changed: true }]);
    const none = await admin.client.send<ErrorBody>('POST', '/flaky/override', body);
    expect([none.status, none.body.code]).toEqual([400, 'BACKFILL_REQUEST_INVALID']);
    const { body: history } = await admin.client.get<BackfillHistoryEntry[]>(
      '/held/history?types=overridden',
    );
    expect(history.map(({ data }) => [data['factor'], data['by']])).toEqual([
      [1, 'ada'],
      [0, 'ada'],
    ]);
  });

  it('answer 409 where the state does not allow the action', async () => {
    for (const action of ['pause', 'resume', 'cancel', 'failures/retry']) {
      const { status, body } = await admin.client.send<ErrorBody>('POST', `/held/${action}`);
      expect([action, status, body.code]).toEqual([action, 409, 'BACKFILL_CONFLICT']);
    }
    await admin.client.send('POST', '/held/start');
    const second = await admin.client.send<ErrorBody>('POST', '/held/start');
    expect([second.status, second.body.code]).toEqual([409, 'BACKFILL_CONFLICT']);
  });
});

function allowAda(context: { switchToHttp(): { getRequest(): { user?: unknown } } }): boolean {
  context.switchToHttp().getRequest().user = { name: 'ada' };
  return true;
}
