import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext, OnModuleInit } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { AppParts } from './app-parts.js';
import type { PartFor } from './app-parts.js';
import { httpError } from './http-errors.js';

/** Asks the guards that the app gave, one after the other. */
@Injectable()
export class AppGuards implements CanActivate, OnModuleInit {
  private guards: PartFor<CanActivate>[] | undefined;

  constructor(
    @Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions,
    private readonly parts: AppParts,
  ) {}

  async onModuleInit(): Promise<void> {
    this.guards = await Promise.all(this.options.guards.map((guard) => this.parts.prepare(guard)));
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (!this.guards) {
      throw denied('The guards of the backfill admin endpoints are not ready yet.');
    }
    for (const guardFor of this.guards) {
      const guard = await guardFor(context.switchToHttp().getRequest<object>());
      const answer = guard.canActivate(context);
      if (!(await (isObservable(answer) ? lastValueFrom(answer, { defaultValue: false }) : answer))) {
        throw denied('Forbidden resource');
      }
    }
    return true;
  }
}

/** What Nest says of a guard that says no, with a code. What a guard throws itself is the app's to shape. */
function denied(message: string): Error {
  return httpError(403, 'BACKFILL_ADMIN_FORBIDDEN', message);
}
