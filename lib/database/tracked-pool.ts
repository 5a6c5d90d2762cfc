import { sleep } from '../async/sleep.js';
import { endsWithin } from '../async/timeout.js';
import { cancelStatement } from './cancel-statement.js';
import { EndedSessions } from './ended-sessions.js';
import { clientsOf } from './pg-pool.js';
import type { OnConnect, PgClient, PgPool } from './pg-pool.js';
import { measurePoolWait } from './pool-wait.js';

/** A server that is up cancels a statement, or accepts a connection, within this. */
const TIMEOUT_MS = 1_000;
const POLL_MS = 10;

/** A pool of which work of a run waits for a connection, and there is none. */
export interface PoolUsage {
  readonly size: number;
  readonly inUse: number;
  /** Of these, by the library. */
  readonly ofLibrary: number;
  /** Of the run. */
  readonly waiting: number;
  readonly waitedMs: number;
}

/** Tells apart the connections of a pool of `pg` that the library acquired from those of the app, and closes them. */
export class TrackedPool {
  /** Acquired by the library, and for which run; `null` is none. */
  private readonly acquired = new Map<PgClient, string | null>();
  /** When each wait of the library for a connection began, in their order. */
  private readonly waits = new Set<{ readonly since: number; readonly runId: string | null }>();
  private readonly connected = new WeakSet<PgClient>();
  private readonly endedSessions = new EndedSessions((client) => this.acquired.has(client));
  private snapshotted: readonly PgClient[] = [];
  private closed = false;

  /** @param owner of the code that runs now: a run, `null` where it is the library without a run, undefined where it is the app */
  constructor(
    private readonly pool: PgPool,
    owner: () => string | null | undefined,
  ) {
    clientsOf(pool).forEach((client) => this.connected.add(client));
    pool.on('connect', (client) => this.connected.add(client));
    pool.on('release', (_error, client) => this.acquired.delete(client));
    // The event `acquire` does not tell who acquires: it is emitted in the context of whoever released the client.
    const connect = pool.connect.bind(pool);
    pool.connect = ((callback?: OnConnect) => {
      const runId = owner();
      return runId === undefined ? connect(callback) : this.acquire(connect, runId, callback);
    }) as PgPool['connect'];
  }

  /** Connections that are in use by the app, once the pool is being closed. */
  get heldByApp(): number {
    return this.pool.ending ? clientsOf(this.pool).length : 0;
  }

  /** `null` where nothing of the run waits, or a connection is free or being opened. */
  exhaustion(now: number, runId: string): PoolUsage | null {
    const waits = [...this.waits].filter((wait) => wait.runId === runId);
    const [oldest] = waits;
    const { idleCount, options } = this.pool;
    const clients = clientsOf(this.pool);
    const size = options?.max ?? clients.length;
    const isFull = clients.length >= size && idleCount === 0 && this.connecting().length === 0;
    if (!oldest || !isFull) {
      return null;
    }
    const waitedMs = now - oldest.since;
    return { size, inUse: clients.length, ofLibrary: this.acquired.size, waiting: waits.length, waitedMs };
  }

  /** The sessions of the connections that work of a run acquired. */
  sessions(runId: string): number[] {
    return [...this.acquired].flatMap(([{ processID }, owner]) =>
      owner === runId && typeof processID === 'number' ? [processID] : [],
    );
  }

  /**
   * Closes the connections that the library acquired, cancels their statements, and ends attempts to connect. From now
   * on the library acquires none.
   */
  async close(): Promise<void> {
    this.closed = true;
    const clients = [...this.acquired.keys()];
    const cancelled = Promise.all(clients.map((client) => cancelStatement(client, TIMEOUT_MS)));
    await endsWithin(Promise.all(clients.map(discard)), TIMEOUT_MS);
    await Promise.all([this.endConnecting(), cancelled]);
  }

  /** Ends attempts to connect, the app's as well, where the server has accepted none for a while. */
  private async endConnecting(): Promise<void> {
    const waited = performance.now() + TIMEOUT_MS;
    let connecting = this.connecting();
    let since = performance.now();
    while (connecting.length > 0 && performance.now() < waited) {
      await sleep(POLL_MS);
      const still = this.connecting();
      if (!connecting.some((client) => still.includes(client))) {
        since = performance.now();
      }
      connecting = still;
    }
    if (connecting.length === 0 || performance.now() - since < TIMEOUT_MS / 2) {
      return;
    }
    // With each that fails, the pool connects for the next request in its queue.
    const ended = performance.now() + TIMEOUT_MS;
    while (connecting.length > 0 && performance.now() < ended) {
      connecting.forEach(destroySocket);
      await sleep(POLL_MS);
      connecting = this.connecting();
    }
  }

  private connecting(): PgClient[] {
    return clientsOf(this.pool).filter((client) => !this.connected.has(client));
  }

  /** Remembers the clients that the pool is to end. */
  snapshot(): void {
    this.snapshotted = clientsOf(this.pool);
  }

  /** Closes connections that the pool has ended: a server that does not answer would keep them, and the process, open. */
  destroyEnded(): void {
    const left = new Set(clientsOf(this.pool));
    this.snapshotted.filter((client) => !left.has(client)).forEach(destroySocket);
  }

  private acquire(
    connect: () => Promise<PgClient>,
    runId: string | null,
    callback?: OnConnect,
  ): Promise<PgClient> | void {
    const acquired = this.acquireClient(connect, runId);
    if (!callback) {
      return acquired;
    }
    void this.answer(acquired, callback);
  }

  private async answer(acquired: Promise<PgClient>, callback: OnConnect): Promise<void> {
    let client;
    try {
      client = await acquired;
    } catch (error) {
      callback(error, undefined, () => undefined);
      return;
    }
    const acquiredClient = client;
    callback(undefined, acquiredClient, (destroy) => acquiredClient.release?.(destroy));
  }

  private async acquireClient(connect: () => Promise<PgClient>, runId: string | null): Promise<PgClient> {
    if (this.closed) {
      throw closedError();
    }
    const client = await this.waitFor(measurePoolWait(connect()), runId);
    if (this.closed) {
      client.release?.();
      throw closedError();
    }
    this.acquired.set(client, runId);
    this.endedSessions.watch(client);
    return client;
  }

  private async waitFor(acquiring: Promise<PgClient>, runId: string | null): Promise<PgClient> {
    const wait = { since: performance.now(), runId };
    this.waits.add(wait);
    try {
      return await acquiring;
    } finally {
      this.waits.delete(wait);
    }
  }
}

/** Removes a client from its pool and closes its connection. */
function discard(client: PgClient): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    client.on('end', () => resolve());
  });
  // Without a listener, the error of a connection that is closed would end the process.
  client.on('error', () => undefined);
  client.release?.(true);
  // Code that still runs releases it later: `pg` throws on a second release.
  client.release = () => undefined;
  destroySocket(client);
  return ended;
}

/** Does not wait for the server, which may not answer. */
function destroySocket(client: PgClient): void {
  client.connection?.stream?.destroy();
}

function closedError(): Error {
  return new Error('The app is closing: the library acquires no further connection to the database');
}
