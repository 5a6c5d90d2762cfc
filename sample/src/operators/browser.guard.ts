import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SAMPLE_SETTINGS, type SampleSettings } from '../settings/sample-settings.js';
import type { AdminRequest } from './admin-request.js';
import { isSameText } from './same-text.js';

/**
 * For people in a browser: HTTP Basic. The header of the answer has the browser ask for a name and the password, and send
 * them with each request of the page, its event stream included. It needs TLS.
 */
@Injectable()
export class BrowserGuard implements CanActivate {
  constructor(
    @Inject(SAMPLE_SETTINGS) private readonly settings: SampleSettings,
    private readonly host: HttpAdapterHost,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<AdminRequest>();
    const [name, password] = basicCredentials(request.headers['authorization']);
    const { adminPassword } = this.settings;
    if (!adminPassword || !name || !isSameText(password, adminPassword)) {
      // Of the adapter, so that it works with Express and with Fastify.
      this.host.httpAdapter.setHeader(http.getResponse(), 'WWW-Authenticate', 'Basic realm="Backfills"');
      throw new UnauthorizedException();
    }
    request.user = { name };
    return true;
  }
}

function basicCredentials(authorization = ''): [name: string, password: string] {
  const [, encoded = ''] = /^Basic (\S+)$/i.exec(authorization) ?? [];
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? ['', ''] : [text.slice(0, colon), text.slice(colon + 1)];
}
