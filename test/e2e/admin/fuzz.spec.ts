import fc from 'fast-check';
import { request } from 'node:http';
import { idRange, keyset } from 'nestjs-backfill';
import { z } from 'zod';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';
import { CONDITION_MS } from '../../support/deadlines.js';
import { sized } from '../../support/thorough.js';
import { startAdminApp, type AdapterName } from '../../support/admin/index.js';

const bench = await createAppBench();
beforeAll(() => bench.fillItems('SELECT generate_series(1, 40)'));
const REQUESTS = sized(150, 1500);
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };

const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('held', 'ids', 'ordered', 'keyed') },
  fc.constantFrom(
    '__proto__',
    'constructor',
    '..',
    '%00',
    '%zz',
    '%2e%2e%2f',
    'ui',
    'events',
    'overview',
    'hold',
    'budget',
    '*',
    'a%20b',
    '%F0%9F%92%A5',
  ),
  fc.string({ maxLength: 40 }).map(encodeURIComponent),
  fc.constant('x'.repeat(4000)),
);
const paths =
  ' /start /pause /override /resume /cancel /undo /undo/conflicts /config /preview /rehearse /runs /runs/%00 /runs/__proto__ /failures /failures/retry /failure-groups ' +
  '/samples /history /release /ui/..%2f..%2fpackage.json // /%ff';
const rest = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...paths.split(' ')) },
  fc.constant('/preview'),
);
const huge = fc.constantFrom(1e308, -1e308, Number.MAX_SAFE_INTEGER, -0, 2 ** 31, 1e-320);
const bounds = fc.record({ min: fc.oneof(fc.integer(), huge), max: fc.oneof(fc.integer(), huge) });
const value = fc.oneof(fc.jsonValue(), huge, bounds, fc.constant('\u0000'), fc.constant('9'.repeat(400)));
const bound = fc.oneof(
  value,
  fc.integer(),
  fc.record({ state: value, id: value }, { requiredKeys: [] }),
  fc.string({ unit: 'binary' }),
);
const key = fc.constantFrom(
  'from',
  'to',
  'config',
  'dryRun',
  'rows',
  'mask',
  'maxLength',
  'canary',
  'reason',
  'until',
  'finishBy',
  'throttle',
  'factor',
  'concurrency',
  'rowConcurrency',
  'callsPerSecond',
  'ids',
  'runId',
  'batchSize',
  'params',
  '__proto__',
  'x',
);
const query = fc.array(
  fc.oneof(
    fc.tuple(
      fc.constantFrom(
        'at',
        'limit',
        'after',
        'before',
        'types',
        'range',
        'cursor',
        'runId',
        'group',
        'search',
        'config',
      ),
      value,
    ),
    fc.tuple(
      fc.constant('params'),
      fc
        .oneof(
          value,
          fc.jsonValue().map((it) => ({ by: it })),
        )
        .map((it) => JSON.stringify(it)),
    ),
    fc.tuple(fc.constantFrom('from', 'to'), bound),
  ),
  { maxLength: 4 },
);
// Each body has an unknown field: a valid one would change the state.
const body = fc.oneof(
  fc.dictionary(key, value).map((it) => JSON.stringify({ ...it, wrong: 1 })),
  fc.constantFrom(
    '{"__proto__":{"x":1},"wrong":1}',
    '{',
    'null]',
    '"text"',
    '7',
    '{"from":1e999,"wrong":1}',
    '\u0000',
  ),
  fc.constant(`{"wrong":${'['.repeat(5000)}${']'.repeat(5000)}}`),
  fc.constant(JSON.stringify({ wrong: 'x'.repeat(300_000) })),
  fc.string({ unit: 'binary', minLength: 1 }),
);
/** Bodies that may change the overrides of a throttle. */
const overrideBody = fc.record(
  {
    throttle: fc.oneof(
      { weight: 5, arbitrary: fc.constant<unknown>('idle') },
      fc.constantFrom('Idle', '__proto__', ''),
      value,
    ),
    factor: fc.oneof(
      fc.double({ min: -1, max: 101 }),
      fc.constantFrom<unknown>(0, 1, 100, -0, 1e-320, '2', null),
    ),
    until: fc.oneof(
      fc.integer({ min: -10_000, max: 10_000 }).map((ms) => Date.now() + ms),
      fc.integer({ min: 1, max: 10_000 }).map((ms) => new Date(Date.now() + ms).toISOString()),
      fc.constantFrom<unknown>('2030-01-31T18:00:00+05:30', 'soon', 8.64e15, -1, 1e300, null),
    ),
    reason: fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), value),
  },
  { requiredKeys: ['throttle', 'factor'] },
);
const type = fc.constantFrom('application/json', 'application/json; charset=utf-16', 'text/plain', 'x/y', '');
const headers = fc.record(
  {
    'if-match': fc.constantFrom('"1"', '*x', 'W/', '"999999999999999"', '"-1"'),
    'idempotency-key': fc.constantFrom('\u00e9', 'x'.repeat(3000), ' '),
    'content-encoding': fc.constantFrom('gzip', 'br', 'nonsense'),
  },
  { requiredKeys: [] },
);
const method = fc.constantFrom('GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD');

describe.each<AdapterName>(['express', 'fastify'])('malformed requests on %s', (adapter) => {
  it('are never answered with a 500, never hang and change nothing', async () => {
    const admin = await startAdminApp(bench, {
      adapter,
      admin: { path: 'ops', allowUnguarded: true },
      handlers: [
        defineBackfill({
          name: 'held',
          source: numbers(100),
          config: HELD,
          throttles: [{ name: 'idle', measure: () => ({ pressure: 0, reason: '' }) }],
          processRange: () => {},
        }),
        defineBackfill({
          name: 'keyed',
          params: z.looseObject({ by: z.number().optional() }),
          source: numbers(100),
          config: HELD,
          processRange: () => {},
        }),
        defineBackfill({ name: 'ids', source: idRange(Item), config: HELD, processRange: () => {} }),
        defineBackfill({
          name: 'ordered',
          source: keyset(Item, { orderBy: { state: 'asc', id: 'desc' } }),
          config: HELD,
          processRow: () => {},
        }),
      ],
    });
    const state = () =>
      Promise.all(
        ['held', 'ids', 'ordered'].map(async (it) => {
          const { now, ...status } = await admin.backfills.status(it);
          return [{ ...status, now: typeof now }, await admin.backfills.config(it)];
        }),
      );
    const before = await state();
    await fc.assert(
      fc.asyncProperty(method, name, rest, query, headers, type, body, async (...values) => {
        const [verb, who, where, asked, extra, contentType, text] = values;
        const search = new URLSearchParams(
          asked.map(([k, v]): [string, string] => [k, typeof v === 'string' ? v : JSON.stringify(v)]),
        ).toString();
        const status = await send(new URL(admin.origin), `/ops/${who}${where}?${search}`.slice(0, 12_000), {
          method: verb,
          headers: { ...extra, ...(contentType === '' ? {} : { 'content-type': contentType }) },
          body: verb === 'GET' || verb === 'HEAD' ? '' : text,
        });
        expect(status).toBeLessThan(500);
      }),
      { numRuns: REQUESTS },
    );
    expect(await state()).toEqual(before);
    expect(await admin.backfills.history('*')).toEqual([]);
    expect((await admin.backfills.budget()).patch).toEqual({});
    expect(Object.prototype).not.toHaveProperty('x');
    await fc.assert(
      fc.asyncProperty(overrideBody, async (override) => {
        const status = await send(new URL(admin.origin), '/ops/held/override', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(override),
        });
        expect([200, 400]).toContain(status);
        const { overrides, now } = await admin.backfills.status('held');
        for (const { throttle, factor, until } of overrides) {
          expect(throttle).toBe('idle');
          expect(factor).toBeGreaterThanOrEqual(0);
          expect(factor).toBeLessThanOrEqual(100);
          expect(Date.parse(until)).toBeGreaterThan(Date.parse(now));
        }
      }),
      { numRuns: Math.ceil(REQUESTS / 3) },
    );
    await admin.close();
  });
});

/** Sends a request without the checks of `fetch`; resolves with the status before the body is read. */
function send(
  origin: URL,
  path: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: origin.hostname, port: origin.port, method, path, headers, agent: false },
      (response) => {
        resolve(response.statusCode ?? 0);
        response.destroy();
      },
    );
    outgoing.setTimeout(CONDITION_MS, () => reject(new Error(`${method} ${path.slice(0, 200)} hangs`)));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close the connection instead of reading the rest of an invalid request.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
        resolve(400);
      } else {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}
