import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { map } from 'rxjs';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { startAdminApp, type AdapterName } from '../../support/admin/index.js';

const bench = await createAppBench();
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const handlers = () => [
  defineBackfill({ name: 'held', source: numbers(100), config: HELD, processRange: () => {} }),
];

describe.each<AdapterName>(['express', 'fastify'])('guards and interceptors on %s', (adapter) => {
  it('request-scoped ones share the providers of their request, and can inject it', async () => {
    const ids: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class RequestId {
      readonly value: string;

      constructor(@Inject(REQUEST) { headers }: { headers: Record<string, string> }) {
        this.value = headers['x-request-id'] ?? 'none';
        ids.push(this.value);
      }
    }
    @Injectable()
    class RequestIdGuard implements CanActivate {
      constructor(private readonly id: RequestId) {}

      canActivate(): boolean {
        return this.id.value !== 'none';
      }
    }
    @Injectable()
    class RequestIdInterceptor implements NestInterceptor {
      constructor(private readonly id: RequestId) {}

      intercept(_context: ExecutionContext, next: CallHandler) {
        return next.handle().pipe(map((data: object) => ({ ...data, requestId: this.id.value })));
      }
    }
    @Module({ providers: [RequestId, RequestIdGuard, RequestIdInterceptor] })
    class RequestModule {}
    const admin = await startAdminApp(bench, {
      adapter,
      admin: { path: 'ops', guards: [RequestIdGuard], interceptors: [RequestIdInterceptor] },
      imports: [RequestModule],
      handlers: handlers(),
    });
    const [first, second] = await Promise.all(
      ['a', 'b'].map((id) => admin.client.get<object>('/held', { 'x-request-id': id })),
    );
    expect(first?.body).toMatchObject({ name: 'held', requestId: 'a' });
    expect(second?.body).toMatchObject({ name: 'held', requestId: 'b' });
    expect((await admin.client.get('/held')).status).toBe(403);
    expect(ids.toSorted()).toEqual(['a', 'b', 'none']);
    await admin.close();
  });

  it('classes that no module provides are instantiated', async () => {
    @Injectable()
    class KeyGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
        return headers['x-key'] === 'sesame';
      }
    }
    const admin = await startAdminApp(bench, {
      adapter,
      admin: { path: 'ops', guards: [KeyGuard] },
      handlers: handlers(),
    });
    expect((await admin.client.get('/held')).status).toBe(403);
    expect((await admin.client.get('/held', { 'x-key': 'sesame' })).status).toBe(200);
    await admin.close();
  });
});
