import type { PgClient } from './pg-pool.js';

/**
 * Remembers why the server ended a session between two statements, such as for `idle_in_transaction_session_timeout`.
 * `pg` tells that in an event only: the next statement fails without the reason, as with a broken connection. Here it
 * fails with the error of the server.
 */
export class EndedSessions {
  private readonly watched = new WeakSet<PgClient>();

  /** @param isOurs whether a client is in use by the library: those of the app are left alone */
  constructor(private readonly isOurs: (client: PgClient) => boolean) {}

  watch(client: PgClient): void {
    if (this.watched.has(client)) {
      return;
    }
    this.watched.add(client);
    client.on('error', (error) => {
      if (isServerError(error) && this.isOurs(client)) {
        rejectStatements(client, error);
      }
    });
  }
}

/** `pg` executes no further statement on a client that has emitted an error. */
function rejectStatements(client: PgClient, reason: Error): void {
  const query = client.query?.bind(client);
  if (!query) {
    return;
  }
  client.query = (...args: unknown[]) => {
    const answer = query(...args);
    // With a callback or a cursor there is no promise.
    return answer instanceof Promise ? answer.catch(() => Promise.reject(reason)) : answer;
  };
}

/** Errors of sockets have a code, and no severity. */
function isServerError(error: unknown): error is Error {
  return error instanceof Error && 'severity' in error && 'code' in error;
}
