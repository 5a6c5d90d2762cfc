import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { BrowserGuard } from './browser.guard.js';
import { TokenGuard } from './token.guard.js';

/** A token or a password: of guards in a list, all would have to pass. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(
    private readonly token: TokenGuard,
    private readonly browser: BrowserGuard,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    return this.token.canActivate(context) || this.browser.canActivate(context);
  }
}
