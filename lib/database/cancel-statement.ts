import { createConnection } from 'node:net';
import type { PgClient } from './pg-pool.js';

/** Bytes and code of PostgreSQL's message `CancelRequest`. */
const LENGTH = 16;
const CANCEL_REQUEST = 80_877_102;

/**
 * Asks PostgreSQL to cancel the statement of a session, which would run to its end although its connection is closed.
 * The request is a message of its own on a new socket; the key makes it safe behind a connection pooler, where process
 * ids are not those of the server. Resolves when the request was answered, failed, or took too long.
 */
export function cancelStatement(client: PgClient, timeoutMs: number): Promise<void> {
  const { host = 'localhost', port = 5432, processID, secretKey } = client;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') {
    return Promise.resolve();
  }
  const request = Buffer.alloc(LENGTH);
  [LENGTH, CANCEL_REQUEST, processID, secretKey].forEach((value, i) =>
    request.writeInt32BE(value | 0, 4 * i),
  );
  return new Promise((resolve) => {
    const socket = host.startsWith('/')
      ? createConnection(`${host}/.s.PGSQL.${port}`)
      : createConnection(port, host);
    socket.on('connect', () => socket.write(request));
    // The server closes the connection once it has processed the request.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
    socket.on('data', () => undefined);
    socket.setTimeout(timeoutMs, () => socket.destroy());
  });
}
