import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor, OnModuleInit } from '@nestjs/common';
import { defer, from, mergeAll } from 'rxjs';
import type { Observable } from 'rxjs';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { AppParts } from './app-parts.js';
import type { PartFor } from './app-parts.js';

/** Runs the interceptors that the app gave, the first one outermost. */
@Injectable()
export class AppInterceptors implements NestInterceptor, OnModuleInit {
  private interceptors: PartFor<NestInterceptor>[] = [];

  constructor(
    @Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions,
    private readonly parts: AppParts,
  ) {}

  async onModuleInit(): Promise<void> {
    this.interceptors = await Promise.all(this.options.interceptors.map((it) => this.parts.prepare(it)));
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<object>();
    return this.interceptors
      .reduceRight<CallHandler>(
        (inner, interceptorFor) => ({
          handle: () =>
            defer(async () => from(await (await interceptorFor(request)).intercept(context, inner))).pipe(
              mergeAll(),
            ),
        }),
        next,
      )
      .handle();
  }
}
