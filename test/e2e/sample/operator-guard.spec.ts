import { Global, Module } from '@nestjs/common';
import { OperatorGuard } from '../../../sample/src/operators/operator.guard.js';
import { OperatorsModule } from '../../../sample/src/operators/operators.module.js';
import { SAMPLE_SETTINGS } from '../../../sample/src/settings/sample-settings.js';
import { startAdminApp, type AdapterName, type AdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const SECRETS = { adminPassword: 'correct: horse', adminToken: 'sesame' };

@Global()
@Module({
  providers: [{ provide: SAMPLE_SETTINGS, useFactory: () => SECRETS }],
  exports: [SAMPLE_SETTINGS],
})
class SettingsModule {}

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

describe.each<AdapterName>(['express', 'fastify'])('the guards of the sample on %s', (adapter) => {
  let admin: AdminApp;

  beforeAll(async () => {
    admin = await startAdminApp(bench, {
      adapter,
      admin: { path: 'ops', guards: [OperatorGuard] },
      imports: [SettingsModule, OperatorsModule],
      handlers: [
        defineBackfill({
          name: 'held',
          source: numbers(10),
          config: { perSecondOnPeak: 0, perSecondOffPeak: 0 },
          processRange: () => {},
        }),
      ],
    });
  });
  afterAll(() => admin.close());

  it.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['another password', basic('ana', 'horse')],
    ['no name', basic('', SECRETS.adminPassword)],
    ['another token', { authorization: 'Bearer open' }],
    ['no token', { authorization: 'Bearer ' }],
  ])('answer %s with 401, and have the browser ask', async (_, headers) => {
    for (const path of ['', '/ui', '/events']) {
      const answer = await admin.client.get(path, headers);
      expect([path, answer.status, answer.headers.get('www-authenticate')]).toEqual([
        path,
        401,
        'Basic realm="Backfills"',
      ]);
    }
  });

  it('let people in by their password, and scripts by the token; the history names them', async () => {
    const ana = basic('ana', SECRETS.adminPassword);
    expect((await admin.client.get<string>('/ui', ana)).body).toContain('<title>Backfills</title>');
    const script = { authorization: 'Bearer sesame' };
    await admin.client.send('POST', '/held/start', {}, ana);
    expect((await admin.backfills.status('held')).startedBy).toBe('ana');
    await admin.client.send('POST', '/held/cancel', {}, script);
    const [newest] = await admin.backfills.history('held');
    expect(newest).toMatchObject({ type: 'cancelled', data: { by: 'token' } });
  });
});
