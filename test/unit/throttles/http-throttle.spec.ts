import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { httpThrottle } from '../../../lib/throttles/http-throttle.js';
import type { HttpThrottleOptions } from '../../../lib/throttles/http-throttle.js';
import type { BackfillThrottle, ThrottleContext } from '../../../lib/throttles/backfill-throttle.js';

let server: Server;
let url: string;
/** What the service answers with; `null`: nothing. */
let answer: { status?: number; body: string; headers?: Record<string, string> } | null;
let asked: IncomingMessage | undefined;
let requests = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked = request;
    requests++;
    if (answer) {
      response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
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

const measured = (throttle: BackfillThrottle) =>
  Promise.resolve(throttle.measure({} as ThrottleContext)).catch((error: unknown) => error);
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
    [{ pressure: 0 }, {}, 0, 'load: pressure 0'],
    [{ pressure: 0.4, reason: 'deploy' }, {}, 0.4, 'load: deploy'],
    [{ pressure: 1 }, { from: 10, to: 30 }, 1, 'load: pressure 1'],
    ['15', { from: 10, to: 30 }, 0.25, 'load 15'],
    [{ value: 20, reason: 'queue' }, { from: 10, to: 30 }, 0.5, 'load: queue'],
    [vector('12', '25', '3'), { from: 10, to: 30 }, 0.75, 'load 25'],
    [vector('NaN', '25', 'NaN'), { from: 10, to: 30 }, 0.75, 'load 25'],
    [vector('12', '+Inf'), { from: 10, to: 30 }, 1, 'load Infinity'],
    [vector('-Inf'), { from: 10, to: 30 }, 0, 'load -Infinity'],
    [vector('1e1', '2.5E+01'), { from: 10, to: 30 }, 0.75, 'load 25'],
    ['-3', {}, 0, 'load -3'],
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
    [{ status: 'success', data: { resultType: 'scalar', result: [1, 'NaN'] } }, 'got {"status":"success"'],
    [{ status: 'success', data: { resultType: 'string', result: [1, 'up'] } }, 'got {"status":"success"'],
    [
      { status: 'success', data: { resultType: 'matrix', result: [{ values: [[1, '2']] }] } },
      'got {"status"',
    ],
    [{ pressure: null }, 'got {"pressure":null}'],
    [{ value: 'NaN' }, 'got {"value":"NaN"}'],
    ['null', 'got null'],
    ['"12"', 'got "12"'],
    ['[12]', 'got [12]'],
    [{ status: 'error', error: 'no such metric' }, 'no such metric'],
    ['1e999', 'got 1e999'],
    [`"${'x'.repeat(10_000)}"`, 'xxx…'],
  ])('refuses the answer %j', async (body, message) => {
    await expect(ask(body)).rejects.toThrow(message);
  });

  it.each([204, 304, 401, 404, 500, 503])('fails on the status %s', async (status) => {
    answer = { status, body: status === 204 || status === 304 ? '' : '{"pressure":0}' };
    const error = await measured(httpThrottle({ url }));
    expect(String(error)).toMatch(
      status === 204 ? /or the result of an instant query .*, got $/ : `a status 2xx of http://127.0.0.1:`,
    );
  });

  it('follows no redirect, so that headers stay with the service that was named, and says where it leads', async () => {
    answer = { status: 302, body: '', headers: { location: '/login?next=secret#top' } };
    requests = 0;
    const error = await measured(httpThrottle({ url, headers: { 'x-api-key': 'k3y' } }));
    const { origin } = new URL(url);
    expect(String(error)).toBe(
      `Error: Expected a status 2xx of ${origin}, got 302, a redirect to ${origin}/login, which is not followed: use the URL that answers`,
    );
    expect(requests).toBe(1);
  });

  it('fails on a body of more than 1 MiB', async () => {
    answer = { body: `{"pressure":0,"reason":"${'x'.repeat(3_000_000)}"}` };
    const error = await measured(httpThrottle({ url }));
    expect(String(error)).toMatch(
      /^Error: Expected an answer of http:.* of at most 1048576 bytes, got more$/,
    );
  });

  it('fails where there is no service', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => {
      gone.listen(0, '127.0.0.1', resolve);
    });
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => {
      gone.close(resolve);
    });
    const error = await measured(httpThrottle({ url: `http://127.0.0.1:${port}/x?token=s3cret` }));
    expect(String(error)).toBe(`Error: Expected an answer of http://127.0.0.1:${port}, got ECONNREFUSED`);
  });

  it('names no secret of a header, of the URL or of its query in what it says', async () => {
    const secret = 's3cret';
    const withUser = new URL(`${url}&token=${secret}`);
    withUser.username = 'prom';
    withUser.password = secret;
    const errors: unknown[] = [];
    answer = { status: 500, body: '' };
    const invalid: Record<string, string> = { authorization: `Bearer ${secret}\n${secret}` };
    for (const headers of [invalid, { 'x-key': secret }]) {
      errors.push(await measured(httpThrottle({ url: withUser, headers })));
    }
    expect(String(errors[0])).toBe(
      'TypeError: Expected a header that HTTP allows, got "authorization" with another name or value',
    );
    try {
      httpThrottle({ url: `http://prom:${secret}@` });
    } catch (error) {
      errors.push(error);
    }
    expect(errors).toHaveLength(3);
    for (const error of errors) {
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error)).not.toContain(secret);
      expect(inspect(error)).not.toContain(Buffer.from(`prom:${secret}`).toString('base64'));
    }
  });

  it('fails where the service does not answer in time', async () => {
    answer = null;
    expect(String(await measured(httpThrottle({ url, timeoutMs: 50 })))).toMatch(
      /^Error: Expected an answer of http:.*, got none within 50 ms$/,
    );
  });

  it('fails where the service does not end its answer in time', async () => {
    const slow = createServer((_, response) => {
      response.writeHead(200);
      response.write('{');
    });
    await new Promise<void>((resolve) => {
      slow.listen(0, '127.0.0.1', resolve);
    });
    const { port } = slow.address() as AddressInfo;
    const error = await measured(httpThrottle({ url: `http://127.0.0.1:${port}`, timeoutMs: 50 }));
    expect(String(error)).toMatch(/got none within 50 ms$/);
    slow.closeAllConnections();
    await new Promise((resolve) => {
      slow.close(resolve);
    });
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
    expect(() => httpThrottle({ url: 'prometheus' })).toThrow(TypeError);
    expect(() => httpThrottle({ url, from: 2, to: 1 })).toThrow(RangeError);
    for (const timeoutMs of [0, -1, NaN, 2_001]) {
      expect(() => httpThrottle({ url, timeoutMs })).toThrow(RangeError);
    }
  });
});
