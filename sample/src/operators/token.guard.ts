import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { SAMPLE_SETTINGS, type SampleSettings } from '../settings/sample-settings.js';
import type { AdminRequest } from './admin-request.js';
import { isSameText } from './same-text.js';

/** For scripts and other services: `Authorization: Bearer <ADMIN_TOKEN>`. A browser cannot send it for a page. */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(@Inject(SAMPLE_SETTINGS) private readonly settings: SampleSettings) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const { adminToken } = this.settings;
    if (!adminToken || !isSameText(request.headers['authorization'] ?? '', `Bearer ${adminToken}`)) {
      return false;
    }
    request.user = { name: 'token' };
    return true;
  }
}
