import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ThirdPartyRules {
  /** Calls in any second. */
  readonly perSecond: number;
  /** Ms that an answer takes. */
  readonly latencyMs: number;
  /** Share of calls that are answered by a 500. */
  readonly errors: number;
  /** Share of calls that are never answered. */
  readonly hangs: number;
  /** Whether a row always fails. */
  readonly refuses: (id: number) => boolean;
  /** Whether the call of this number is refused with a 429 at any rate: others have used up the quota. */
  readonly exhausted: (call: number) => boolean;
}

/** A call as the third party saw it. */
export interface LoggedCall {
  /** By `performance.now()`. */
  readonly at: number;
  readonly id: number;
  readonly status: 200 | 429 | 500 | 422 | 'hangs';
}

const WINDOW_MS = 1_000;

/** A slow, rate-limited and sometimes failing API, with a log of its own. Its faults come by a fixed sequence. */
export class ThirdPartyServer {
  readonly log: LoggedCall[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private refusals = 0;
  private seed = 1;

  constructor(private readonly rules: ThirdPartyRules) {
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await once(this.server, 'close');
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const at = performance.now();
    const id = Number(request.url?.split('/').at(-1));
    const status = this.judge(at, id);
    this.log.push({ at, id, status });
    if (status === 'hangs') {
      return;
    }
    if (status === 429) {
      response.setHeader('retry-after', this.retryAfter());
    }
    setTimeout(() => {
      response.statusCode = status;
      response.end(JSON.stringify({ id, score: id * 7 }));
    }, this.rules.latencyMs);
  }

  private judge(at: number, id: number): LoggedCall['status'] {
    const { perSecond, errors, hangs, refuses, exhausted } = this.rules;
    let recent = 0;
    for (let i = this.log.length - 1; i >= 0 && at - (this.log[i]?.at ?? 0) < WINDOW_MS; i--) {
      recent += this.log[i]?.status === 429 ? 0 : 1;
    }
    if (recent >= perSecond || exhausted(this.log.length)) {
      return 429;
    }
    if (refuses(id)) {
      return 422;
    }
    const chance = this.random();
    return chance < errors ? 500 : chance < errors + hangs ? 'hangs' : 200;
  }

  /** In turns in seconds and as a date, as third parties do. */
  private retryAfter(): string {
    return this.refusals++ % 2 === 0 ? '1' : new Date(Date.now() + 2 * WINDOW_MS).toUTCString();
  }

  private random(): number {
    this.seed = (this.seed * 48_271) % 2_147_483_647;
    return this.seed / 2_147_483_647;
  }
}
