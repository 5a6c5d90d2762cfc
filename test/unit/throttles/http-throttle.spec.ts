import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { httpThrottle } from '../../../lib/throttles/http-throttle.js';
import type { HttpThrottleOptions } from '../../../lib/throttles/http-throttle.js';
import type { ThrottleContext } from '../../../lib/throttles/backfill-throttle.js';

let server: Server;
let url: string;
/** What the service answers with; `null`: nothing. */
let answer: { status?: number; body: string } | null;
let asked: IncomingMessage | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked = request;
    if (answer) {
      response.writeHead(answer.status ?? 200).end(answer.body);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pressure?of=db`;
});
beforeEach(() => {
  asked = undefined;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

const ask = async (body: unknown, options: Partial<HttpThrottleOptions> = {}) => {
  answer = { body: typeof body === 'string' ? body : JSON.stringify(body) };
  return httpThrottle({ url, name: 'load', ...options }).measure({} as ThrottleContext);
};
const vector = (...values: string[]) => ({
  status: 'success',
  data: {
    resultType: 'vector',
    result: values.map((value) => ({ metric: {}, value: [1_700_000_000.1, value] })),
  },
});

describe('a throttle of a service', () => {
  it.each<[unknown, Partial<HttpThrottleOptions>, number, string]>([
    [{ pressure: 0 }, {}, 0, 'load 0'],
    [{ pressure: 0.4, reason: 'deploy' }, {}, 0.4, 'load: deploy'],
    [{ pressure: 1 }, { from: 10, to: 30 }, 1, 'load 30'],
    ['15', { from: 10, to: 30 }, 0.25, 'load 15'],
    [{ value: 20, reason: 'queue' }, { from: 10, to: 30 }, 0.5, 'load: queue'],
    [vector('12', '25', '3'), { from: 10, to: 30 }, 0.75, 'load 25'],
    [
      { status: 'success', data: { resultType: 'scalar', result: [1, '40'] } },
      { from: 10, to: 30 },
      1,
      'load 40',
    ],
  ])('reads %j with %j', async (body, options, pressure, reason) => {
    const measured = await ask(body, options);
    expect(measured.pressure).toBeCloseTo(pressure, 10);
    expect(measured.reason).toBe(reason);
  });

  it.each([
    ['', 'got '],
    ['<html>', 'got <html>'],
    [{ pressure: 2 }, 'got {"pressure":2}'],
    [{ pressure: '1' }, 'got {"pressure":"1"}'],
    [vector(), 'got {"status":"success"'],
    [vector('NaN'), 'got {"status":"success"'],
    [{ status: 'error', error: 'no such metric' }, 'no such metric'],
    ['1e999', 'got 1e999'],
    [`"${'x'.repeat(10_000)}"`, 'xxx…'],
  ])('refuses the answer %j', async (body, message) => {
    await expect(ask(body)).rejects.toThrow(message);
  });

  it('fails on another status than 2xx', async () => {
    answer = { status: 503, body: '{"pressure":0}' };
    await expect(httpThrottle({ url }).measure({} as ThrottleContext)).rejects.toThrow(
      /status 2xx of .*, got 503/,
    );
  });

  it('fails where the service does not answer in time', async () => {
    answer = null;
    await expect(httpThrottle({ url, timeoutMs: 50 }).measure({} as ThrottleContext)).rejects.toThrow(
      'timeout',
    );
  });

  it('sends headers, and a user and password of the URL', async () => {
    const withUser = new URL(url);
    withUser.username = 'prom';
    withUser.password = 'p@ss';
    const headers = async () => ({ 'x-tenant': 'eu' });
    await ask('0', { url: withUser, headers });
    expect(asked?.url).toBe('/pressure?of=db');
    expect(asked?.headers).toMatchObject({
      'x-tenant': 'eu',
      authorization: `Basic ${Buffer.from('prom:p@ss').toString('base64')}`,
    });
  });

  it('refuses a URL that is none of http', () => {
    expect(() => httpThrottle({ url: 'file:///etc/passwd' })).toThrow(TypeError);
    expect(() => httpThrottle({ url, from: 2, to: 1 })).toThrow(RangeError);
  });
});
