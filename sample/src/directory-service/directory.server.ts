import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { companyOf } from './company.js';

const ROUTE = /^\/companies\/([^/?]+)$/;

/** Stands for somebody else's API: plain HTTP on loopback, one company a call. */
@Injectable()
export class DirectoryServer implements OnModuleInit, OnApplicationShutdown {
  /** Milliseconds that an answer takes. */
  latency = 0;
  /** Calls that wait for their answer. */
  waiting = 0;
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private readonly callsByDomain = new Map<string, number>();

  async onModuleInit(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  /** Only now: handlers that drain before are still answered. */
  onApplicationShutdown(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get calls(): number {
    return [...this.callsByDomain.values()].reduce((sum, calls) => sum + calls, 0);
  }

  callsFor(domain: string): number {
    return this.callsByDomain.get(domain) ?? 0;
  }

  private async answer({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, encoded] = ROUTE.exec(url) ?? [];
    const domain = encoded && decodeURIComponent(encoded);
    if (domain) {
      this.callsByDomain.set(domain, this.callsFor(domain) + 1);
    }
    this.waiting++;
    response.once('close', () => this.waiting--);
    if (this.latency > 0) {
      await sleep(this.latency, undefined, { ref: false });
    }
    // By RFC 2606 nobody lives there.
    const known = domain && !domain.endsWith('.invalid');
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? companyOf(domain) : { error: 'not found' }));
  }
}
