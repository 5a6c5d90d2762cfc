import { Get, Inject, Param, Req, Res } from '@nestjs/common';
import { header, takeOver } from '../http/admin-request.js';
import type { AdminRequest, AdminResponse } from '../http/admin-request.js';
import { httpError } from '../http/http-errors.js';
import { PageAssets } from './page.assets.js';

const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

/** Serves the page and its files. Written by hand, as interceptors of the app would change them. */
export abstract class PageController {
  @Inject(PageAssets) private readonly assets!: PageAssets;

  @Get('ui')
  page(@Req() request: AdminRequest, @Res() response: AdminResponse): void {
    const address = request.originalUrl ?? request.url;
    const query = address.indexOf('?');
    const path = query < 0 ? address : address.slice(0, query);
    // The page names its files beside itself, so that any prefix will do.
    if (path.endsWith('/')) {
      const location = `../ui${address.slice(path.length)}`;
      takeOver(response).writeHead(302, { Location: location }).end();
      return;
    }
    this.send(request, response, 'index.html');
  }

  @Get('ui/:file')
  file(@Param('file') file: string, @Req() request: AdminRequest, @Res() response: AdminResponse): void {
    // Fastify takes the end of `ui/` for a file without a name.
    if (file === '') {
      this.page(request, response);
      return;
    }
    this.send(request, response, file);
  }

  private send(request: AdminRequest, response: AdminResponse, name: string): void {
    const asset = this.assets.find(name);
    if (!asset) {
      throw httpError(404, 'BACKFILL_NOT_FOUND', `The page has no file ${JSON.stringify(name)}.`);
    }
    const known = header(request, 'if-none-match') === asset.etag;
    const headers = { ...SECURITY, 'Cache-Control': 'no-cache', ETag: asset.etag };
    const raw = takeOver(response);
    if (known) {
      raw.writeHead(304, headers).end();
      return;
    }
    raw.writeHead(200, { ...headers, 'Content-Type': asset.type, 'Content-Length': asset.body.length });
    raw.end(request.method === 'HEAD' ? undefined : asset.body);
  }
}
