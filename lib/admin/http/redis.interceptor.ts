import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { from, map, mergeMap, race, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { RedisHealth } from '../../redis/redis.health.js';
import type { AdminRequest } from './admin-request.js';
import { httpError } from './http-error.js';

const READS = new Set(['GET', 'HEAD']);

/**
 * Marks an endpoint that does nothing but read Redis. It does no harm where it is executed after the client has given up, so
 * that it needs no check before it while Redis has just answered.
 */
export const OnlyReadsRedis = Reflector.createDecorator<boolean>();

/**
 * Answers 503 while Redis does not answer. Without it ioredis would queue the commands of a request and execute
 * them after the outage, when the client has given up.
 */
@Injectable()
export class RedisInterceptor implements NestInterceptor {
  constructor(
    private readonly redisHealth: RedisHealth,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    return from(this.isResponsive(context)).pipe(
      mergeMap((responsive) =>
        responsive
          ? race(next.handle(), this.redisHealth.lost.pipe(map(() => throwInterrupted(request))))
          : throwError(() => redisUnavailable('Nothing was changed. Try again later.')),
      ),
    );
  }

  private async isResponsive(context: ExecutionContext): Promise<boolean> {
    const onlyReads = this.reflector.get(OnlyReadsRedis, context.getHandler());
    return (onlyReads && this.redisHealth.hasAnsweredRecently) || this.redisHealth.isResponsive();
  }
}

function throwInterrupted({ method }: AdminRequest): never {
  throw redisUnavailable(
    READS.has(method)
      ? 'Try again later.'
      : 'The connection was lost during the request: check later whether the change was made.',
  );
}

function redisUnavailable(advice: string): Error {
  return httpError(503, 'BACKFILL_REDIS_UNAVAILABLE', `Redis does not answer. ${advice}`);
}
