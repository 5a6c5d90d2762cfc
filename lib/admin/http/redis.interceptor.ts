import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { from, map, mergeMap, race, throwError } from 'rxjs';
import type { Observable } from 'rxjs';
import { RedisHealth } from '../../redis/redis.health.js';
import type { AdminRequest } from './admin-request.js';
import { httpError } from './http-errors.js';

const READS = new Set(['GET', 'HEAD']);

/**
 * Answers 503 instead of waiting while Redis is gone. Nothing is begun then that would happen by itself as
 * soon as Redis is back, when nobody expects it any more.
 */
@Injectable()
export class RedisInterceptor implements NestInterceptor {
  constructor(private readonly redisHealth: RedisHealth) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    return from(this.redisHealth.isResponsive()).pipe(
      mergeMap((responsive) =>
        responsive
          ? race(next.handle(), this.redisHealth.lost.pipe(map(() => throwLost(request))))
          : throwError(() => gone('Nothing was done. Try again when it is back.')),
      ),
    );
  }
}

function throwLost({ method }: AdminRequest): never {
  throw gone(
    READS.has(method)
      ? 'Try again when it is back.'
      : 'It went away meanwhile: whether this was done shows when it is back.',
  );
}

function gone(advice: string): Error {
  return httpError(503, 'BACKFILL_REDIS_UNAVAILABLE', `Redis does not answer. ${advice}`);
}
