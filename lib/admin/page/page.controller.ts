import { Get, Inject, Param, Req, Res } from '@nestjs/common';
import { header, rawResponse } from '../http/admin-request.js';
import type { AdminRequest, AdminResponse } from '../http/admin-request.js';
import { httpError } from '../http/http-error.js';
import { PageAssets } from './page-assets.js';

const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;

/** `gzip` in a list of encodings, unless it has the weight 0. */
const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i;

/** Serves the page and its files, on the response of Node.js: interceptors of the app do not change them. */
export abstract class PageController {
  @Inject(PageAssets) private readonly assets!: PageAssets;

  @Get('ui')
  page(@Req() request: AdminRequest, @Res() response: AdminResponse): void {
    const url = request.originalUrl ?? request.url;
    const [path = ''] = url.split('?', 1);
    // The page loads its files by relative URLs, which resolve below `ui/` only without the slash at the end.
    if (path.endsWith('/')) {
      const location = `../ui${url.slice(path.length)}`;
      rawResponse(response).writeHead(302, { Location: location }).end();
      return;
    }
    this.send(request, response, 'index.html');
  }

  @Get('ui/:file')
  file(@Param('file') file: string, @Req() request: AdminRequest, @Res() response: AdminResponse): void {
    // Fastify matches `:file` with an empty string for `ui/`.
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
    const isGzipped = ACCEPTS_GZIP.test(header(request, 'accept-encoding') ?? '');
    const body = isGzipped ? asset.gzipped : asset.body;
    const etag = `"${asset.etag}${isGzipped ? '-gzip' : ''}"`;
    const headers = {
      ...SECURITY_HEADERS,
      'Cache-Control': asset.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache',
      Vary: 'Accept-Encoding',
      ETag: etag,
    };
    const raw = rawResponse(response);
    if (header(request, 'if-none-match') === etag) {
      raw.writeHead(304, headers).end();
      return;
    }
    raw.writeHead(200, {
      ...headers,
      ...(isGzipped ? { 'Content-Encoding': 'gzip' } : {}),
      'Content-Type': asset.type,
      'Content-Length': body.length,
    });
    raw.end(request.method === 'HEAD' ? undefined : body);
  }
}
