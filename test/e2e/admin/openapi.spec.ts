import { UnauthorizedException } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import {
  BACKFILL_ENTITIES,
  BACKFILL_JOURNAL_ENTITIES,
  createJournalSchema,
  createLedgerSchema,
  idRange,
  keyset,
  NonRetryableError,
} from 'nestjs-backfill';
import type {
  BackfillStatus,
  BudgetStatus,
  ConfigInForce,
  FailureGroups,
  FailurePage,
  RunReceipt,
} from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import { ApiContract, dereferenced, startAdminApp } from '../../support/admin/index.js';
import type { AdapterName, AdminApp, AdminClient } from '../../support/admin/index.js';
import { arktypeParams } from '../../support/schemas/index.js';

const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null, attempts: 1, backoffMs: 0 };
const READS = [
  '',
  '/overview',
  '/hold',
  '/budget',
  '/held',
  '/held/config',
  '/held/preview',
  '/held/runs',
  '/held/failures',
  '/held/failure-groups',
  '/held/undo/conflicts',
  '/held/samples',
];
const ACTIONS = ['start', 'pause', 'resume', 'cancel', 'failures/retry'];
const HOLDS = ['/hold', '/hold/release'];
const POSTS = [...ACTIONS, 'override', 'preview', 'rehearse', 'undo'];

const bench = await createAppBench();

beforeAll(async () => {
  const sql: string[] = [];
  await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
  await createJournalSchema({ addSql: (statement) => sql.push(statement) });
  await bench.database.query(sql.join('\n'));
  await bench.fillItems('SELECT generate_series(1, 40)');
});

describe.each<AdapterName>(['express', 'fastify'])('the OpenAPI document on %s', (adapter) => {
  let admin: AdminApp;
  let client: AdminClient;
  let contract: ApiContract;
  let allowed: boolean;
  let authenticated: boolean;

  beforeAll(async () => {
    allowed = true;
    authenticated = true;
    const guard = {
      canActivate: () => {
        if (!authenticated) throw new UnauthorizedException();
        return allowed;
      },
    };
    admin = await startAdminApp(bench, {
      adapter,
      keyPrefix: `${bench.redis.prefix}-${adapter}`,
      servers: { entities: [Item, ...BACKFILL_ENTITIES, ...BACKFILL_JOURNAL_ENTITIES] },
      options: { ledger: true },
      admin: { path: 'ops', guards: [guard], security: ['bearer', 'session'] },
      configure: (app) => app.setGlobalPrefix('api'),
      at: 'api/ops',
      handlers: [
        defineBackfill({
          name: 'held',
          source: keyset(Item, { orderBy: { state: 'asc', id: 'desc' } }),
          config: { ...HELD, batchSize: 10, quota: { max: 5, perMs: 1000 } },
          throttles: [{ name: 'idle', measure: () => Promise.resolve({ pressure: 0, reason: '' }) }],
          processRow: () => {},
        }),
        defineBackfill({
          name: 'rows',
          source: idRange(Item),
          config: { ...UNPACED, batchSize: 8, maxFailures: '50%' },
          processRow: ({ id }: Item) => {
            if (id === 7) {
              throw new NonRetryableError('seven');
            }
          },
        }),
        defineBackfill<never, Item>({
          name: 'undone',
          source: keyset(Item, { orderBy: { id: 'asc' } }),
          undo: {},
          config: UNPACED,
          processBatch: (items) => items.forEach((item) => (item.touches = 9)),
        }),
        defineBackfill({
          name: 'keyed',
          params: z.object({
            keyId: z.string().meta({ examples: ['k2'] }),
            token: z.string().default('geheim').meta({ secret: true }),
            of: z.string().meta({ id: 'Tenant' }).nullable(),
          }),
          source: numbers(4),
          processRange: () => {},
        }),
        defineBackfill({ name: 'sized', params: arktypeParams, source: numbers(4), processRange: () => {} }),
        defineBackfill({
          name: 'own',
          source: numbers(4),
          config: { ...UNPACED, batchSize: 2 },
          processRange: () => {
            throw Object.assign(new NonRetryableError('no stack'), { stack: undefined });
          },
        }),
      ],
    });
    const document = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    contract = new ApiContract(document, '/api/ops');
    client = contract.watch(admin.client);
  });
  afterAll(() => admin.close());

  const ended = (name: string) =>
    eventually(
      `${name} to end`,
      () => admin.backfills.status(name),
      ({ state }) => state === 'failed' || state === 'paused',
    );

  it('allows no additional properties', () => {
    const document = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    const open = openObjects(dereferenced(document).paths, []);
    // The data of an event depend on its type, the properties of a range on its source, parameters on the backfill, the
    // columns of a row on its table, the third parties of the budget on the app.
    expect(new Set(open.map((path) => path.at(-1)))).toEqual(
      new Set(['after', 'before', 'callsPerSecond', 'data', 'items', 'paramsSchema']),
    );
  });

  it('names the schemas of bodies and responses, for the types of a generated client', () => {
    const { paths, components } = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    const contents = Object.values(paths)
      .flatMap((path) => Object.values(path) as { requestBody?: Body; responses: Record<string, Body> }[])
      .flatMap(({ requestBody, responses }) => Object.values(responses).concat(requestBody ?? []))
      .flatMap(({ content }) => Object.entries(content));
    const json = contents.filter(([type]) => type === 'application/json').map(([, { schema }]) => schema);
    const references = json.map((schema) => (schema.type === 'array' ? schema.items : schema)?.$ref ?? '');
    const used = new Set(references.map((reference) => reference.replace('#/components/schemas/', '')));
    const named = Object.keys(components?.schemas ?? {}).filter(
      (name) => !name.startsWith('BackfillParams.'),
    );
    expect(named.toSorted()).toEqual([...used].toSorted());
    expect([...used]).toEqual(
      expect.arrayContaining(['BackfillStatus', 'BackfillRun', 'BackfillStartRequest', 'BackfillError']),
    );
    expect(components?.schemas?.['BackfillStatus']).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: { name: { type: 'string' }, percent: { type: 'number' } },
      required: expect.arrayContaining(['name', 'percent']) as string[],
    });
  });

  it('describes the parameters of each backfill, without values of secrets', () => {
    const document = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    const schemas = document.components?.schemas ?? {};
    expect(schemas['BackfillParams.keyed']).toEqual({
      type: 'object',
      properties: {
        keyId: { type: 'string', example: 'k2' },
        token: { type: 'string', writeOnly: true, format: 'password' },
        of: { anyOf: [{ $ref: '#/components/schemas/BackfillParams.keyed.Tenant' }, { enum: [null] }] },
      },
      required: ['keyId', 'of'],
    });
    expect(schemas['BackfillParams.keyed.Tenant']).toMatchObject({ type: 'string' });
    expect(schemas['BackfillParams.sized']).toMatchObject({ properties: { limit: { type: 'number' } } });
    for (const name of ['BackfillStartRequest', 'BackfillRehearseRequest', 'BackfillPreviewRequest']) {
      expect(schemas[name]).toMatchObject({
        properties: {
          params: {
            anyOf: ['keyed', 'sized'].map((it) => ({ $ref: `#/components/schemas/BackfillParams.${it}` })),
          },
        },
      });
    }
    expect(JSON.stringify(document)).not.toContain('geheim');
    // Every reference leads to a schema.
    expect(() => dereferenced(document)).not.toThrow();
  });

  it('names the security schemes of the options, of which one is enough', () => {
    const { paths } = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    for (const path of Object.values(paths)) {
      for (const operation of Object.values(path) as { security?: object[] }[]) {
        expect(operation.security).toEqual([{ bearer: [] }, { session: [] }]);
      }
    }
  });

  it('matches the responses before the first run', async () => {
    for (const name of ['held', 'rows', 'own']) {
      for (const path of [
        '',
        '/config',
        '/preview',
        '/runs',
        '/failures',
        '/failure-groups',
        '/samples',
        '/history',
      ]) {
        expect([path, (await client.get(`/${name}${path}`)).status]).toEqual([path, 200]);
      }
    }
    for (const name of ['held', 'rows', 'own']) {
      expect((await client.send('POST', `/${name}/rehearse`, { rows: 3 })).status).toBe(200);
    }
    await eventually(
      'two rehearsals at once',
      () => Promise.all([1, 2, 3].map(() => client.send('POST', '/held/rehearse', { rows: 50 }))),
      (answers) => answers.some(({ status }) => status === 409),
    );
    for (const action of ACTIONS.slice(1)) {
      expect([action, (await client.send('POST', `/held/${action}`)).status]).toEqual([action, 409]);
    }
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses for a run that is paused, tuned and cancelled', async () => {
    const key = { 'idempotency-key': 'a' };
    const { body: run } = await client.send<RunReceipt>(
      'POST',
      '/held/start',
      {
        from: { state: 'new', id: 30 },
        config: { batchSize: 5 },
        dryRun: true,
        finishBy: '2099-01-01T00:00:00Z',
        reason: 'to see',
      },
      key,
    );
    await client.send('POST', '/held/start', {}, key);
    await client.send('POST', '/held/start', {});
    await client.send('POST', '/held/pause', { reason: 'lunch' });
    await client.get('/held');
    await client.send('POST', '/held/resume');
    const { body: config } = await client.get<ConfigInForce>('/held/config');
    const tag = { 'if-match': `"${config.version}"` };
    const patch = {
      maxFailures: 3,
      duration: 0.5,
      quota: null,
      autoTune: { targetMs: 10, min: 1, max: 5 },
      reason: 'more',
    };
    expect((await client.send('PATCH', '/held/config', patch, tag)).status).toBe(200);
    expect((await client.send('PATCH', '/held/config', { batchSize: 9 }, tag)).status).toBe(412);
    await eventually(
      'a sample',
      () => client.get<unknown[]>('/held/samples'),
      ({ body }) => body.length > 0,
    );
    await client.get('/held/preview?limit=2&from={"state":"new","id":20}&config={"perSecondOnPeak":1}');
    expect((await client.send('POST', '/held/preview', { limit: 2 })).status).toBe(200);
    const params = { keyId: 'k2', of: null };
    expect((await client.send('POST', '/keyed/preview', { params })).status).toBe(200);
    expect((await client.send('POST', '/held/start', { params: { a: 1 } })).status).toBe(400);
    await client.send('POST', '/held/cancel', { reason: 'done' });
    for (const path of [
      '',
      '/overview',
      '/overview?after=x',
      '/held',
      '/held/runs',
      `/held/runs/${run.runId}`,
      '/held/history?limit=50',
    ]) {
      expect([path, (await client.get(path)).status]).toEqual([path, 200]);
    }
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses of overrides', async () => {
    const body = { throttle: 'idle', factor: 0.5, until: Date.now() + 60_000, reason: 'known' };
    expect((await client.send('POST', '/held/override', body)).status).toBe(200);
    await client.get('/held');
    await client.get('/held/history');
    expect((await client.send('POST', '/held/override', { throttle: 'idle', factor: 1 })).status).toBe(200);
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses of the budget', async () => {
    const set = { concurrency: 4, callsPerSecond: { directory: 5 }, reason: 'busy' };
    expect((await client.send('PATCH', '/budget', set)).status).toBe(200);
    expect((await client.send('POST', '/held/start')).status).toBe(201);
    const { body } = await client.get<BackfillStatus>('/held');
    const wait = `${Date.now()}|9999999999999|concurrency|0.5||1|default`;
    const [key] = await bench.redis.client.keys(`*:_:run:${String(body.runId)}`);
    await bench.redis.client.hset(key ?? '', 'budgetWait', wait);
    const budget = await client.get<BudgetStatus>('/budget');
    expect(budget.body.runs).toMatchObject([{ backfill: 'held', waitsFor: 'concurrency' }]);
    await client.send('POST', '/held/cancel');
    const none = { concurrency: null, callsPerSecond: { directory: null } };
    expect((await client.send('PATCH', '/budget', none)).status).toBe(200);
    await client.get('/budget');
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses while all runs are held', async () => {
    expect((await client.send('POST', '/held/start')).status).toBe(201);
    for (const body of [{ reason: 'incident' }, { reason: 'incident', until: Date.now() + 60_000 }]) {
      expect((await client.send('POST', '/hold', body)).status).toBe(200);
      for (const path of ['/hold', '/overview', '/held', '/held/history']) {
        expect([path, (await client.get(path)).status]).toEqual([path, 200]);
      }
    }
    expect((await client.send('POST', '/held/rehearse', {})).status).toBe(409);
    expect((await client.send('POST', '/hold/release', { reason: 'over' })).status).toBe(200);
    expect((await client.send('POST', '/hold/release')).status).toBe(200);
    await client.send('POST', '/held/cancel');
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses for a run with a canary', async () => {
    const canary = { rows: 5, maxFailures: 1 };
    expect((await client.send('POST', '/rows/start', { canary })).status).toBe(201);
    await ended('rows');
    const { body } = await client.get<BackfillStatus>('/rows');
    expect(body).toMatchObject({ state: 'paused', canary: { ...canary, handedOut: 5, state: 'passed' } });
    await client.get('/rows/runs');
    await client.get('/rows/history');
    await client.send('POST', '/rows/cancel');
    expect(contract.problems).toEqual([]);
  });

  it('matches the responses of an undo with conflicts', async () => {
    const over = (undoes: string | null) =>
      eventually(
        'undone to be over',
        () => client.get<BackfillStatus>('/undone'),
        ({ body }) => body.state === 'completed' && body.undoes === undoes,
      );
    const { body: run } = await client.send<RunReceipt>('POST', '/undone/start', {});
    expect((await over(null)).body.journaled).toBe(40);
    await bench.database.query('UPDATE items SET touches = 5 WHERE id = 7');
    const undo = { runId: run.runId, reason: 'wrong' };
    expect((await client.send('POST', '/undone/undo', undo)).status).toBe(200);
    expect((await over(run.runId)).body.conflicts).toBe(1);
    expect((await client.get('/undone/undo/conflicts?limit=1')).body).toEqual({
      items: [{ table: '"public"."items"', key: '7', reason: 'changed', columns: ['touches'] }],
      next: null,
    });
    expect((await client.send('POST', '/undone/undo', undo)).status).toBe(409);
    await client.get('/undone/runs');
    await bench.database.query('UPDATE items SET touches = 0');
    expect(contract.problems).toEqual([]);
  });

  it('says what is answered by runs that fail', async () => {
    for (const name of ['rows', 'own']) {
      await client.send('POST', `/${name}/start`, { from: name === 'rows' ? '30' : 4 });
      await ended(name);
      const { body: page } = await client.get<FailurePage>(`/${name}/failures?limit=1`);
      expect(page.items).toHaveLength(1);
      await client.get(`/${name}`);
      expect((await client.get<FailureGroups>(`/${name}/failure-groups`)).body.total).toBeGreaterThan(0);
      await client.get(`/${name}/runs`);
      const ids = page.items.map(({ id }) => id);
      expect((await client.send('POST', `/${name}/failures/retry`, { ids })).status).toBe(200);
      await ended(name);
    }
    expect(contract.problems).toEqual([]);
  });

  it('matches the error responses, each with a code', async () => {
    const codes: unknown[][] = [];
    const ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
      const answer =
        method === 'GET'
          ? await client.get<object>(path, headers)
          : await client.send<object>(method, path, body, headers);
      codes.push([Reflect.get(answer.body, 'code'), answer.status, method, path]);
    };
    for (const path of [
      '',
      '/config',
      '/preview',
      '/runs',
      '/runs/x',
      '/undo/conflicts',
      '/failures',
      '/failure-groups',
      '/samples',
      '/history',
    ]) {
      await ask('GET', `/none${path}`);
    }
    for (const path of ['/held/preview', '/held/runs', '/held/failures', '/held/history']) {
      await ask('GET', `${path}?limit=0`);
    }
    await ask('GET', '/held/failure-groups?runId=');
    await ask('GET', '/held/samples?range=week');
    await ask('GET', '/held/undo/conflicts?after=.');
    await ask('GET', '/events?backfill=');
    await ask('GET', `/overview?after=${'x'.repeat(65)}`);
    const form = { 'content-type': 'text/plain' };
    for (const action of POSTS) {
      await ask('POST', `/none/${action}`);
      await ask('POST', `/held/${action}`, { wrong: 1 });
      await ask('POST', `/held/${action}`, {}, form);
    }
    for (const path of HOLDS) {
      await ask('POST', path, { wrong: 1 });
      await ask('POST', path, {}, form);
    }
    await ask('POST', '/none/override', { throttle: 'idle', factor: 1 });
    await ask('POST', '/rows/failures/retry', { runId: 'x' });
    await ask('POST', '/own/cancel', {});
    await ask('POST', '/rows/undo', { runId: 'x' });
    await client.send('PATCH', '/none/config');
    await ask('PATCH', '/held/config', { batchSize: 0 });
    await ask('PATCH', '/held/config', { wrong: 1 });
    await ask('PATCH', '/held/config', {}, form);
    await ask('PATCH', '/budget', { concurrency: 0 });
    await ask('PATCH', '/budget', { wrong: 1 });
    await ask('PATCH', '/budget', {}, form);
    await ask('PATCH', '/budget', { concurrency: 1 }, { 'if-match': '"999"' });
    allowed = false;
    for (const path of [...READS, '/held/runs/x', '/held/history', '/events']) {
      await ask('GET', path);
    }
    for (const action of POSTS) {
      await ask('POST', `/held/${action}`);
    }
    await ask('PATCH', '/held/config');
    await ask('PATCH', '/budget');
    for (const path of HOLDS) {
      await ask('POST', path);
    }
    allowed = true;
    const withCode = codes.length;
    authenticated = false;
    for (const path of [...READS, '/held/runs/x', '/held/history', '/events']) {
      await ask('GET', path);
    }
    for (const action of POSTS) {
      await ask('POST', `/held/${action}`);
    }
    await ask('PATCH', '/held/config');
    await ask('PATCH', '/budget');
    for (const path of HOLDS) {
      await ask('POST', path);
    }
    authenticated = true;
    // A guard that throws an exception of its own decides about its code, too.
    expect(codes.splice(withCode).map(([, status]) => status)).toEqual(Array.from({ length: 28 }, () => 401));
    expect(codes.filter(([code]) => !String(code).startsWith('BACKFILL_'))).toEqual([]);
    expect(contract.problems).toEqual([]);
  });

  it('documents no status that never occurs', () => {
    // The event stream and outages have tests of their own.
    expect(contract.unseen([503]).filter((answer) => answer !== 'GET /events 200')).toEqual([]);
  });
});

interface Body {
  readonly content: Readonly<
    Record<string, { readonly schema: Reference & { type?: string; items?: Reference } }>
  >;
}
interface Reference {
  readonly $ref?: string;
}

/** Paths of the object schemas that allow additional properties. */
function openObjects(value: unknown, path: string[]): string[][] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const inner = Object.entries(value).flatMap(([key, part]) => openObjects(part, [...path, key]));
  const isOpen =
    Reflect.get(value, 'type') === 'object' &&
    Reflect.get(value, 'additionalProperties') !== false &&
    !path.includes('requestBody');
  return isOpen ? [path, ...inner] : inner;
}
