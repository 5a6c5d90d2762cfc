import type { EntityManager } from '@mikro-orm/core';
import { endsWithin } from '../async/timeout.js';
import { PoolWait } from '../database/pool-wait.js';

/** A probe is measured for no longer than this: it is slow by any baseline. */
const PROBE_TIMEOUT_MS = 1_000;

/** How long the database took for a run of a probe. */
export interface ProbeRun {
  readonly startedAt: number;
  readonly elapsedMs: number;
}

interface RunningProbe extends Omit<ProbeRun, 'elapsedMs'> {
  readonly end: Promise<unknown>;
  readonly wait: PoolWait;
}

/**
 * Runs a probe, one at a time whoever asks, and measures it without the time that it waits for a connection of the app's
 * pool.
 */
export class ProbeRunner {
  private running: RunningProbe | undefined;
  private connected = false;

  constructor(private readonly probe: (em: EntityManager) => Promise<unknown>) {}

  /** Waits for the probe, or a second; `null` where that says nothing about the database. */
  async run(em: EntityManager): Promise<ProbeRun | null> {
    const running = this.running ?? this.start(em);
    const ended = await endsWithin(running.end, PROBE_TIMEOUT_MS);
    const elapsedMs = performance.now() - running.startedAt - running.wait.elapsed(performance.now());
    const isFirst = !this.connected;
    this.connected = true;
    if (!ended) {
      return running.wait.isWaiting ? null : { startedAt: running.startedAt, elapsedMs };
    }
    // The first probe may open a connection, which no driver but `pg` tells.
    return isFirst ? this.run(em) : { startedAt: running.startedAt, elapsedMs };
  }

  private start(em: EntityManager): RunningProbe {
    const wait = new PoolWait();
    const startedAt = performance.now();
    const end = wait
      .run(() => this.probe(em))
      .finally(() => {
        this.running = undefined;
      });
    this.running = { startedAt, end, wait };
    return this.running;
  }
}
