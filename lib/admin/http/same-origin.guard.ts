import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { header } from './admin-request.js';
import type { AdminRequest } from './admin-request.js';
import { httpError } from './http-error.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * CSRF protection: requests that change state need the app's own origin, by `Origin` and `Sec-Fetch-Site`, and a JSON
 * body, which a page of another origin cannot send without a CORS preflight. Clients that are not browsers send
 * neither header.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    if (SAFE_METHODS.has(request.method)) {
      return true;
    }
    const origin = header(request, 'origin');
    const site = header(request, 'sec-fetch-site');
    if (!this.isAllowed(request, origin, site)) {
      const message = `Expected a request from a page of this app, got one from ${origin ?? site}.`;
      throw httpError(403, 'BACKFILL_ADMIN_CROSS_ORIGIN', message);
    }
    const needsJson = hasBody(request) || origin !== undefined || site !== undefined;
    const type = header(request, 'content-type') ?? 'none';
    if (needsJson && !/^application\/json\s*(?:;|$)/i.test(type)) {
      const message = `Expected the content type application/json, got ${JSON.stringify(type)}.`;
      throw httpError(415, 'BACKFILL_ADMIN_NOT_JSON', message);
    }
    return true;
  }

  private isAllowed(request: AdminRequest, origin: string | undefined, site: string | undefined): boolean {
    if (origin !== undefined && this.options.origins.includes(origin)) {
      return true;
    }
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return false;
    }
    if (origin === undefined) {
      return true;
    }
    // A proxy that rewrites Host passes the original on in X-Forwarded-Host, which no page can set without a preflight.
    const hosts = [header(request, 'host'), header(request, ':authority'), ...forwardedHosts(request)];
    return URL.canParse(origin) && hosts.includes(new URL(origin).host);
  }
}

function forwardedHosts(request: AdminRequest): string[] {
  return (header(request, 'x-forwarded-host') ?? '').split(',').map((host) => host.trim());
}

function hasBody(request: AdminRequest): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(header(request, 'content-length') ?? 0) > 0
  );
}
