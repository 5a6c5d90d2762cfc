import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { decodeHold } from '../state/global-hold.js';
import type { StoredHold } from '../state/global-hold.js';
import { FactsDecoder, isComplete } from './backfill-facts.js';
import type { BackfillFacts, RunningFacts } from './backfill-facts.js';

/** One sample a second: the last minute, and what the periods of `recentRows` need beyond it. */
const SAMPLES = 65;

/** What was read of backfills at one moment. */
export interface FactsReading<Facts> {
  /** Epoch microseconds by the clock of Redis. */
  readonly micros: number;
  /** Id of the newest event. */
  readonly event: string;
  /** Names of the backfills with an active run. */
  readonly active: readonly string[];
  readonly facts: ReadonlyMap<string, Facts>;
  /** `null` where not all runs are held. */
  readonly hold: StoredHold | null;
}

/** Reads what the statuses of any number of backfills need, with one command. */
@Injectable()
export class FactsStore {
  private readonly decoder = new FactsDecoder();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Id of the newest event. */
  async newestEvent(): Promise<string> {
    const [newest] = await this.client.xrevrange(this.keys.events, '+', '-', 'COUNT', 1);
    return newest?.[0] ?? '0-0';
  }

  /** Reads these backfills. */
  async read(names: readonly string[]): Promise<FactsReading<BackfillFacts>> {
    return this.readInFull('named', names);
  }

  /** Reads these backfills, and all with an active run. */
  async readAll(names: readonly string[]): Promise<FactsReading<BackfillFacts>> {
    return this.readInFull('all', names);
  }

  /**
   * Reads these backfills in full, those of which an event says something new, too, and of the other running ones what
   * changes without events. `null` where Redis no longer has all events since `event`.
   */
  async readSince(
    event: string,
    names: readonly string[],
  ): Promise<FactsReading<BackfillFacts | RunningFacts> | null> {
    return this.run(event, names);
  }

  private async readInFull(
    mode: 'named' | 'all',
    names: readonly string[],
  ): Promise<FactsReading<BackfillFacts>> {
    const reading = await this.run(mode, names);
    if (!reading) {
      throw new TypeError('Expected overview.lua to read the backfills, got nothing');
    }
    const complete = [...reading.facts].filter((entry): entry is [string, BackfillFacts] =>
      isComplete(entry[1]),
    );
    return { ...reading, facts: new Map(complete) };
  }

  private async run(
    event: string,
    names: readonly string[],
  ): Promise<FactsReading<BackfillFacts | RunningFacts> | null> {
    const reply = await scripts.overview.run(this.client, this.keys, undefined, [event, SAMPLES, ...names]);
    if (reply.length === 1) {
      return null;
    }
    const [now, newest, active, backfills, hold] = reply;
    const facts = new Map(backfills.map((backfill) => [backfill[0], this.decoder.decode(backfill)]));
    return { micros: Number(now), event: newest, active, facts, hold: decodeHold(hold) };
  }
}
