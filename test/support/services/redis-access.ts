import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import { makeCertificate } from './certificate.js';

export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly folder: string;
}

export interface RedisAccess {
  /** Of `redis.conf`. */
  readonly settings: Record<string, string | number>;
  /** How a client reaches it. */
  readonly connection: RedisOptions;
}

type Access = (place: RedisPlace) => RedisAccess | Promise<RedisAccess>;

/** The ways in which a server can be reached. */
export const accessBy = {
  tcp: ({ host, port }) => ({ settings: { port }, connection: { host, port } }),
  tls: async ({ host, port, folder }) => {
    const { certificate, files } = await makeCertificate(folder, host);
    const settings = {
      port: 0,
      'tls-port': port,
      'tls-cert-file': files.certificate,
      'tls-key-file': files.key,
      'tls-ca-cert-file': files.certificate,
      'tls-auth-clients': 'no',
    };
    return { settings, connection: { host, port, tls: { ca: certificate } } };
  },
  socket: ({ folder }) => {
    const path = join(folder, 'redis.sock');
    return { settings: { port: 0, unixsocket: path }, connection: { path } };
  },
} satisfies Record<string, Access>;

/** Whether a server answers, be it that it wants a password. */
export async function answersPing({ host, port, path, tls }: RedisOptions): Promise<boolean> {
  const socket: Socket = path
    ? connect(path)
    : tls
      ? connectTls({ host: host ?? '', port: port ?? 0, ca: tls.ca })
      : connect({ host: host ?? '', port: port ?? 0 });
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.setTimeout(1000, () => socket.destroy());
  socket.on('error', () => {});
  try {
    socket.write('PING\r\n');
    const [data] = (await once(socket, 'data', { signal: closed.signal })) as [Buffer];
    return /^(?:\+PONG|-NOAUTH)/.test(data.toString('latin1'));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
