import { Catch, HttpException, Injectable, Module, Scope, VersioningType } from '@nestjs/common';
import type {
  ArgumentMetadata,
  ArgumentsHost,
  CanActivate,
  ExceptionFilter,
  ExecutionContext,
  NestInterceptor,
  Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { BackfillAdminModule, BackfillDefinitionError } from 'nestjs-backfill';
import type { BackfillStatus, RunReceipt } from 'nestjs-backfill';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { adminClient, startAdminApp, type AdapterName, type ErrorBody } from '../../support/admin/index.js';

const bench = await createAppBench();
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const handlers = () => [
  defineBackfill({ name: 'held', source: numbers(100), config: HELD, processRange: () => {} }),
];

/** Neither a guard nor an interceptor. */
class Nothing {
  readonly good = 'sesame';
}

@Injectable()
class Tokens {
  readonly good = 'sesame';
}

/** Its dependency is not exported by the module that provides both. */
@Injectable()
class TokenGuard implements CanActivate {
  constructor(private readonly tokens: Tokens) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined>; user?: object }>();
    request.user = { id: 42 };
    return request.headers['authorization'] === `Bearer ${this.tokens.good}`;
  }
}

/** A token that the app provides with `useValue`. */
abstract class RecordingInterceptor implements NestInterceptor {
  abstract intercept: NestInterceptor['intercept'];
}

/** Wraps every error, as exception filters of apps often do. */
@Catch(HttpException)
class EnvelopeFilter implements ExceptionFilter<HttpException> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: HttpException, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<object>();
    this.host.httpAdapter.reply(response, { wrapped: error.getResponse() }, error.getStatus());
  }
}

@Module({ providers: [Tokens, TokenGuard] })
class AuthModule {}

describe('without guards', () => {
  it('the app does not start, and the error says how to add guards', async () => {
    await expect(startAdminApp(bench, { admin: { path: 'ops' } })).rejects.toThrow(
      /have no guards.*guards: admin: \{ path: 'ops', guards: \[AdminGuard\] \}.*allowUnguarded: true/s,
    );
    await expect(startAdminApp(bench, { admin: { path: 'ops', guards: [] } })).rejects.toThrow('no guards');
  });

  it('logs a warning where that is intended', async () => {
    const admin = await startAdminApp(bench, { admin: { path: 'ops', allowUnguarded: true } });
    expect(admin.logs.having('warn The admin endpoints at "ops" are open to everybody')).toHaveLength(1);
    await admin.close();
  });

  it('lists invalid options', async () => {
    const admin = { path: 'a/:b', guards: [7], color: 'red' } as unknown as { path: string };
    await expect(startAdminApp(bench, { admin })).rejects.toThrow(/path: .*\n.*guards\.0: .*\n.*color/);
  });

  it.each<[string, unknown, string]>([
    ['an arrow function', () => true, 'got a function'],
    [
      'middleware',
      function authenticate(request: { user: string }) {
        return request.user;
      },
      'got the function authenticate',
    ],
    ['a class without the method', Nothing, 'got the class Nothing'],
    ['an object without the method', { canactivate: () => true }, 'got an object'],
    ['nothing', undefined, 'got undefined'],
  ])('refuses %s as a guard', async (_, guard, got) => {
    const start = startAdminApp(bench, { admin: { path: 'ops', guards: [guard as CanActivate] } });
    await expect(start).rejects.toThrow(BackfillDefinitionError);
    await expect(start).rejects.toThrow(/guards\.0: expected .*canActivate/);
    await expect(start).rejects.toThrow(got);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT])(
    'refuses a provided class without the method, scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Unsuitable extends Nothing {}
      const admin = { path: 'ops', guards: [Unsuitable as unknown as Type<CanActivate>] };
      await expect(startAdminApp(bench, { admin, handlers: [Unsuitable] })).rejects.toThrow(
        /guards\.0: expected .*canActivate\(\), got the class Unsuitable/,
      );
    },
  );

  it('refuses a class without intercept() as an interceptor', async () => {
    const interceptors = [Nothing as unknown as Type<NestInterceptor>];
    await expect(
      startAdminApp(bench, { admin: { path: 'ops', allowUnguarded: true, interceptors } }),
    ).rejects.toThrow(/interceptors\.0: expected .*intercept\(\), got the class Nothing/);
  });

  it.each([Scope.DEFAULT, Scope.REQUEST, Scope.TRANSIENT])(
    'accepts a class whose canActivate is a property, scope %s',
    async (scope) => {
      @Injectable({ scope })
      class Closed implements CanActivate {
        readonly canActivate = () => false;
      }
      const admin = await startAdminApp(bench, {
        admin: { path: 'ops', guards: [Closed] },
        handlers: [Closed],
      });
      expect((await admin.client.get('')).status).toBe(403);
      await admin.close();
    },
  );

  it('names a guard that is not provided and cannot be instantiated', async () => {
    const admin = { path: 'ops', guards: [TokenGuard] };
    await expect(startAdminApp(bench, { admin })).rejects.toThrow(
      /TokenGuard.*is not a provider of the app/s,
    );
  });
});

describe.each<AdapterName>(['express', 'fastify'])('guards on %s', (adapter) => {
  const good = { authorization: 'Bearer sesame' };
  const start = () =>
    startAdminApp(bench, {
      adapter,
      admin: { path: 'ops', guards: [TokenGuard] },
      imports: [AuthModule],
      handlers: handlers(),
    });

  it('protect every endpoint, the event stream, the page and its files', async () => {
    const admin = await start();
    const gets = [
      '',
      '/held',
      '/held/config',
      '/held/preview',
      '/held/runs',
      '/held/runs/x',
      '/held/failures',
    ];
    const more = [
      '/held/samples',
      '/held/history',
      '/events',
      '/overview',
      '/hold',
      '/budget',
      '/ui',
      '/ui/app.js',
      '/ui/app.css',
      '/none',
    ];
    for (const path of [...gets, ...more]) {
      expect([path, (await admin.client.get(path)).status]).toEqual([path, 403]);
    }
    for (const path of ['start', 'pause', 'resume', 'cancel', 'failures/retry']) {
      expect([path, (await admin.client.send('POST', `/held/${path}`)).status]).toEqual([path, 403]);
    }
    for (const path of ['/hold', '/hold/release']) {
      expect([path, (await admin.client.send('POST', path, { reason: 'x' })).status]).toEqual([path, 403]);
    }
    expect((await admin.client.send('PATCH', '/held/config', { batchSize: 1 })).status).toBe(403);
    expect((await admin.client.send('PATCH', '/budget', { concurrency: 1 })).status).toBe(403);
    expect((await admin.backfills.budget()).version).toBe('0');
    expect((await admin.backfills.status('held')).state).toBe('idle');
    expect((await admin.client.get('/held', good)).status).toBe(200);
    expect((await admin.client.send('POST', '/held/start', {}, good)).status).toBe(201);
    expect((await admin.backfills.status('held')).startedBy).toBe('42');
    await admin.close();
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['a foreign origin', { origin: 'https://evil.example' }, 403, 'BACKFILL_ADMIN_CROSS_ORIGIN'],
    ['a foreign site', { 'sec-fetch-site': 'cross-site' }, 403, 'BACKFILL_ADMIN_CROSS_ORIGIN'],
    ['an opaque origin', { origin: 'null' }, 403, 'BACKFILL_ADMIN_CROSS_ORIGIN'],
    ['a form', { 'content-type': 'text/plain' }, 415, 'BACKFILL_ADMIN_NOT_JSON'],
  ])('reject changes from %s', async (_, headers, status, code) => {
    const admin = await start();
    const answer = await admin.client.send<ErrorBody>('POST', '/held/start', {}, { ...good, ...headers });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    const own = await admin.client.send<RunReceipt>(
      'POST',
      '/held/start',
      {},
      { ...good, origin: admin.origin },
    );
    expect(own.status).toBe(201);
    expect(own.headers.get('access-control-allow-origin')).toBeNull();
    await admin.close();
  });

  it('work with global pipes, filters and interceptors, and with interceptors of the options', async () => {
    const seen: string[] = [];
    const recording = (who: string): NestInterceptor => ({
      intercept: (_context, next) => {
        seen.push(who);
        return next.handle();
      },
    });
    const admin = await startAdminApp(bench, {
      adapter,
      admin: {
        path: 'ops',
        guards: [TokenGuard],
        interceptors: [RecordingInterceptor as Type<NestInterceptor>, recording('given')],
      },
      imports: [AuthModule],
      handlers: [...handlers(), { provide: RecordingInterceptor, useValue: recording('provided') }],
      configure: (app) => {
        app.useGlobalPipes({
          transform: (value: unknown, { type }: ArgumentMetadata) => {
            seen.push(`pipe ${type}`);
            return value;
          },
        });
        app.useGlobalInterceptors(recording('global'));
        app.useGlobalFilters(new EnvelopeFilter(app.get(HttpAdapterHost)));
      },
    });
    expect((await admin.client.send('POST', '/held/start', { reason: 'x' }, good)).status).toBe(201);
    expect(seen.slice(0, 3)).toEqual(['global', 'provided', 'given']);
    expect(seen).toContain('pipe body');
    const unknown = await admin.client.get('/none', good);
    expect([unknown.status, unknown.body]).toEqual([
      404,
      { wrapped: expect.objectContaining({ statusCode: 404, code: 'BACKFILL_NOT_FOUND' }) },
    ]);
    const denied = await admin.client.get('/held');
    expect(denied.body).toEqual({
      wrapped: {
        statusCode: 403,
        message: 'Forbidden resource',
        error: 'Forbidden',
        code: 'BACKFILL_ADMIN_FORBIDDEN',
      },
    });
    await admin.close();
  });

  it('are used by BackfillAdminModule, with a global prefix, without versions, and OpenAPI', async () => {
    const admin = await startAdminApp(bench, {
      adapter,
      admin: null,
      handlers: handlers(),
      imports: [AuthModule, BackfillAdminModule.register({ path: 'ops', guards: [TokenGuard] })],
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
    const client = adminClient(`${admin.origin}/api/ops`);
    expect((await client.get<BackfillStatus[]>('', good)).body).toMatchObject([{ name: 'held' }]);
    expect((await client.get('/ui', good)).body).toMatch(/"ui\/app\.[0-9a-f]{12}\.js"/);
    const slash = await client.get('/ui/?theme=x', good);
    expect([slash.status, slash.headers.get('location')]).toEqual([302, '../ui?theme=x']);
    expect((await client.get<BackfillStatus[]>('/', good)).body).toMatchObject([{ name: 'held' }]);
    expect((await client.get('/ui/')).status).toBe(403);

    const document = SwaggerModule.createDocument(admin.app, new DocumentBuilder().build());
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [
        '',
        '/events',
        '/overview',
        '/hold',
        '/hold/release',
        '/budget',
        ...['', '/cancel', '/config', '/failure-groups', '/failures', '/failures/retry'].map(inName),
        ...[
          '/history',
          '/override',
          '/pause',
          '/preview',
          '/rehearse',
          '/resume',
          '/runs',
          '/runs/{id}',
          '/samples',
          '/start',
          '/undo',
          '/undo/conflicts',
        ].map(inName),
      ]
        .map((path) => `/api/ops${path}`)
        .toSorted(),
    );
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object)) as {
      summary: string;
      responses: Record<string, { content?: object }>;
    }[];
    for (const { summary, responses } of operations) {
      expect(summary).not.toBe('');
      expect(Object.values(responses).every(({ content }) => content !== undefined)).toBe(true);
    }
    expect(document.paths['/api/ops/{name}/start']?.post?.requestBody).toBeDefined();
    await admin.close();
  });
});

function inName(path: string): string {
  return `/{name}${path}`;
}
