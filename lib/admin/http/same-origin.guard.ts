import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ADMIN_OPTIONS } from '../admin.options.js';
import type { ResolvedAdminOptions } from '../admin.options.js';
import { header } from './admin-request.js';
import type { AdminRequest } from './admin-request.js';
import { httpError } from './http-errors.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses changes that a page of somebody else has a browser send: they need JSON, which such a page cannot
 * send unasked, and the right origin. Programs that are no browser name neither origin nor site.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: ResolvedAdminOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    if (READS.has(request.method)) {
      return true;
    }
    const origin = header(request, 'origin');
    const site = header(request, 'sec-fetch-site');
    if (!this.isOwn(request, origin, site)) {
      const message = `Expected the request to come from a page of this app, got one from ${origin ?? site}.`;
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

  private isOwn(request: AdminRequest, origin: string | undefined, site: string | undefined): boolean {
    if (origin !== undefined && this.options.origins.includes(origin)) {
      return true;
    }
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return false;
    }
    if (origin === undefined) {
      return true;
    }
    // Behind a proxy that rewrites it, the host a browser saw is the forwarded one; no foreign page can set it.
    const hosts = [header(request, 'host'), header(request, ':authority'), ...forwarded(request)];
    return URL.canParse(origin) && hosts.includes(new URL(origin).host);
  }
}

function forwarded(request: AdminRequest): string[] {
  return (header(request, 'x-forwarded-host') ?? '').split(',').map((host) => host.trim());
}

function hasBody(request: AdminRequest): boolean {
  return (
    request.headers['transfer-encoding'] !== undefined || Number(header(request, 'content-length') ?? 0) > 0
  );
}
