import { compileFunction } from 'node:vm';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Injectable, Module } from '@nestjs/common';
import type { CanActivate, DynamicModule, ExecutionContext, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { BackfillModule, getBackfillQueueToken } from 'nestjs-backfill';
import { adminClient } from '../../support/admin/index.js';
import { appModules, createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { readGuide } from './readme.js';

const bench = await createAppBench();
const admin = await readGuide('admin');
const monitoring = await readGuide('monitoring');

/** What the guide leaves to the app. */
@Injectable()
class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    return headers['authorization'] === 'Bearer sesame';
  }
}

@Module({})
class AppModule {}

/** Runs code of the guides with the names it takes for granted. */
function execute(body: string, names: Readonly<Record<string, unknown>>): unknown {
  return compileFunction(body, Object.keys(names))(...Object.values(names)) as unknown;
}

describe('the guide to the admin page and endpoints', () => {
  let app: INestApplication;

  beforeAll(async () => {
    const [mount = ''] = admin.code('Admin page and endpoints');
    const queues = monitoring.code('Queues').find((code) => code.includes('createBullBoard')) ?? '';
    const handler = defineBackfill({ name: 'enrich-accounts', source: numbers(10), processRange: () => {} });
    const backfills = execute(`return ${mount}`, { BackfillModule, AdminGuard }) as DynamicModule;
    app = await NestFactory.create(
      {
        module: AppModule,
        imports: [...Object.values(appModules(bench)), backfills],
        providers: [AdminGuard, handler],
      },
      { logger: false, abortOnError: false },
    );
    const onFreePort = queues.replace('3000', "0, '127.0.0.1'");
    await (execute(`return (async () => { ${onFreePort} })()`, {
      app,
      createBullBoard,
      BullMQAdapter,
      ExpressAdapter,
      getBackfillQueueToken,
    }) as Promise<void>);
  });
  afterAll(() => app.close());

  it('mounts page and endpoints where it says, behind the guard', async () => {
    const client = adminClient(`${await app.getUrl()}/admin/backfills`);
    const good = { authorization: 'Bearer sesame' };
    expect((await client.get('/ui')).status).toBe(403);
    expect((await client.get<string>('/ui', good)).body).toContain('<title>Backfills</title>');
    expect((await client.get('', good)).body).toMatchObject([{ name: 'enrich-accounts', state: 'idle' }]);
  });

  it('lists the endpoints that there are', () => {
    const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    const real = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => {
        const rest = path.replace('/admin/backfills', '').replaceAll(/\{(\w+)\}/g, ':$1') || '/';
        return `${method.toUpperCase()}${rest}`;
      }),
    );
    expect(
      admin
        .table('Endpoints')
        .map(([endpoint]) => endpoint)
        .toSorted(),
    ).toEqual(real.toSorted());
  });

  it('has bull-board show the queues', async () => {
    const response = await fetch(`${await app.getUrl()}/queues/api/queues`);
    expect(await response.json()).toMatchObject({
      queues: [{ name: 'enrich-accounts', readOnlyMode: true }],
    });
  });
});
