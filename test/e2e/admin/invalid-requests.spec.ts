import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { startAdminApp, type AdapterName, type AdminApp, type ErrorBody } from '../../support/admin/index.js';

const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };

const bench = await createAppBench();

describe.each<AdapterName>(['express', 'fastify'])('invalid requests on %s', (adapter) => {
  let admin: AdminApp;

  beforeAll(async () => {
    admin = await startAdminApp(bench, {
      adapter,
      keyPrefix: `${bench.redis.prefix}-refused-${adapter}`,
      handlers: [
        defineBackfill({ name: 'held', source: numbers(100), config: HELD, processRange: () => {} }),
      ],
    });
  });
  afterAll(() => admin.close());

  it.each<[string, string, object?]>([
    ['GET', '/none'],
    ['POST', '/none/start'],
    ['POST', '/none/pause'],
    ['POST', '/none/resume'],
    ['POST', '/none/cancel'],
    ['GET', '/none/config'],
    ['PATCH', '/none/config'],
    ['GET', '/none/preview'],
    ['POST', '/none/rehearse'],
    ['POST', '/none/preview'],
    ['GET', '/none/runs'],
    ['GET', '/none/runs/x'],
    ['GET', '/none/failures'],
    ['GET', '/none/failure-groups'],
    ['GET', '/held/failure-groups?runId=none'],
    ['GET', '/held/history?runId=none'],
    ['GET', '/held/samples?runId=none'],
    ['POST', '/none/failures/retry'],
    ['GET', '/none/samples'],
    ['GET', '/none/history'],
    ['GET', '/held/runs/none'],
    ['GET', '/held/failures?runId=none'],
    ['POST', '/held/failures/retry', { runId: 'none' }],
    ['GET', '/ui/none.js'],
  ])('%s %s: not found', async (...[method, path, body]) => {
    const answer =
      method === 'GET'
        ? await admin.client.get<ErrorBody>(path)
        : await admin.client.send<ErrorBody>(method, path, body);
    expect(answer.body).toMatchObject({ statusCode: 404, error: 'Not Found', code: 'BACKFILL_NOT_FOUND' });
    expect(answer.status).toBe(404);
  });

  it.each<[string, string, object | undefined, string]>([
    ['POST', '/held/start', { form: 1 }, 'form'],
    ['POST', '/held/start', { from: [1] }, 'from'],
    ['POST', '/held/start', { dryRun: 'yes' }, 'dryRun'],
    ['POST', '/held/start', { finishBy: 'soon' }, 'finishBy'],
    ['POST', '/held/start', { finishBy: '2001-01-01T00:00:00Z' }, 'finishBy'],
    ['POST', '/held/start', { canary: 7 }, 'canary'],
    ['POST', '/held/start', { canary: { rows: 0 } }, 'canary.rows'],
    ['POST', '/held/start', { canary: { rows: 1, maxFailures: 'no' } }, 'canary.maxFailures'],
    ['POST', '/held/start', { reason: 'x'.repeat(501) }, 'reason'],
    ['POST', '/held/start', { config: { batchSize: 0 } }, 'batchSize'],
    ['POST', '/held/pause', { why: 'x' }, 'why'],
    ['POST', '/held/cancel', [], 'body'],
    ['PATCH', '/held/config', { batchSise: 3 }, 'batchSise'],
    ['PATCH', '/held/config', { reason: 3 }, 'reason'],
    ['PATCH', '/held/config', { onPeakTimezone: 'Mars/Base' }, 'onPeakTimezone'],
    ['POST', '/held/failures/retry', { ids: [] }, 'ids'],
    ['POST', '/held/failures/retry', { ids: [7] }, 'ids.0'],
    ['POST', '/held/rehearse', { rows: 501 }, 'rows'],
    ['POST', '/held/rehearse', { mask: 'email' }, 'mask'],
    ['POST', '/held/rehearse', { maxLength: 0 }, 'maxLength'],
    ['POST', '/held/rehearse', { timeoutMs: 10 }, 'timeoutMs'],
    ['POST', '/held/start', { params: [1] }, 'params'],
    ['POST', '/held/start', { params: { a: 1 } }, 'params'],
    ['POST', '/held/preview', { params: 'x' }, 'params'],
    ['POST', '/held/preview', { at: 'soon' }, 'at'],
    ['POST', '/held/preview', { limit: 0 }, 'limit'],
    ['GET', '/held/preview?params=[', undefined, 'params'],
    ['GET', '/held/preview?limit=0', undefined, 'limit'],
    ['GET', '/held/preview?at=soon', undefined, 'at'],
    ['GET', '/held/preview?config={', undefined, 'config'],
    ['GET', '/held/preview?config={"batchSize":"1"}', undefined, 'batchSize'],
    ['GET', '/held/runs?limit=many', undefined, 'limit'],
    ['GET', '/held/failures?after=x', undefined, 'after'],
    ['GET', '/held/samples?range=week', undefined, 'range'],
    ['GET', '/held/samples?after=x', undefined, 'after'],
    ['GET', '/held/history?before=x', undefined, 'before'],
    ['GET', '/held/history?types=paused,pauzed', undefined, 'types.1'],
    ['GET', '/held/failures?cursor=x', undefined, 'cursor'],
    ['GET', '/held/failures?group=a%20b', undefined, 'group'],
    ['GET', `/held/failures?search=${'x'.repeat(201)}`, undefined, 'search'],
    ['GET', '/held/failure-groups?runId=', undefined, 'runId'],
    ['POST', '/held/failures/retry', { group: '' }, 'group'],
    ['POST', '/held/failures/retry', { group: 'a', ids: ['b'] }, 'group'],
  ])('%s %s with %j: bad request, field %s', async (method, path, body, field) => {
    const answer =
      method === 'GET'
        ? await admin.client.get<ErrorBody>(path)
        : await admin.client.send<ErrorBody>(method, path, body);
    expect(answer.body).toMatchObject({ statusCode: 400, error: 'Bad Request', field });
    expect(answer.body.code).toMatch(/^BACKFILL_(REQUEST|CONFIG|PARAMS)_INVALID$/);
    expect(answer.body.message).toContain(field);
  });

  it('invalid If-Match and Idempotency-Key: bad request', async () => {
    const match = await admin.client.send<ErrorBody>('PATCH', '/held/config', {}, { 'if-match': 'newest' });
    expect(match.body).toMatchObject({ statusCode: 400, field: 'If-Match' });
    const key = await admin.client.send<ErrorBody>(
      'POST',
      '/held/start',
      {},
      { 'idempotency-key': 'x'.repeat(201) },
    );
    expect(key.body).toMatchObject({ statusCode: 400, field: 'Idempotency-Key' });
  });
});
