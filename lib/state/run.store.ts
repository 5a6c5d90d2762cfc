import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { parseRun } from './run-record.js';
import type { RunRecord } from './run-record.js';
import { TRANSITIONS } from './run-status.js';
import type { RunAction, RunStatus } from './run-status.js';

const KEYS = 6;
const IDEMPOTENCY_SECONDS = 24 * 3600;

const EVENT_OF: Readonly<Record<RunAction, string>> = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
  retry: 'resumed',
};

/** What became of a wish to start a run. */
export type StartAnswer =
  | { readonly kind: 'started' | 'repeated'; readonly runId: string }
  | { readonly kind: 'active'; readonly runId: string; readonly status: RunStatus };

/** What became of a wish to move a run. */
export interface TransitionAnswer {
  readonly kind: 'moved' | 'already' | 'refused';
  readonly before: RunStatus | null;
  readonly now: RunStatus | null;
}

/** Keeps the runs: begins them, moves them between statuses, reads them. */
@Injectable()
export class RunStore {
  private readonly startScript = LuaScript.load<string[]>('start', KEYS + 2);
  private readonly transitionScript = LuaScript.load<[TransitionAnswer['kind'], string, string]>(
    'transition',
    KEYS,
  );

  private readonly noteScript = LuaScript.load<number>('note', KEYS);

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  async start(
    name: string,
    runId: string,
    idempotencyKey: string,
    fields: Readonly<Record<string, string | number>>,
  ): Promise<StartAnswer> {
    const [kind, id, status] = await this.startScript.run(
      this.client,
      [...this.keys.script(runId), this.keys.runs(name), this.keys.idempotency(name, idempotencyKey)],
      [name, runId, idempotencyKey, IDEMPOTENCY_SECONDS, ...Object.entries(fields).flat()],
    );
    if (kind === 'active') {
      return { kind, runId: id ?? '', status: status as RunStatus };
    }
    return { kind: kind === 'started' ? 'started' : 'repeated', runId: id ?? '' };
  }

  async move(
    runId: string,
    action: RunAction,
    reason: string,
    data: Readonly<Record<string, string | number | boolean | null>>,
  ): Promise<TransitionAnswer> {
    const { from, to } = TRANSITIONS[action];
    const [kind, before, now] = await this.transitionScript.run(this.client, this.keys.script(runId), [
      to,
      EVENT_OF[action],
      reason,
      JSON.stringify(data),
      ...from,
    ]);
    return { kind, before: (before || null) as RunStatus | null, now: (now || null) as RunStatus | null };
  }

  async read(runId: string): Promise<RunRecord | null> {
    const hash = await this.client.hgetall(this.keys.run(runId));
    return Object.keys(hash).length === 0 ? null : parseRun(hash);
  }

  /** Id of the newest run of a backfill, active or over. */
  async newestId(name: string): Promise<string | null> {
    const [id] = await this.client.zrevrange(this.keys.runs(name), 0, 0);
    return id ?? null;
  }

  async activeId(name: string): Promise<string | null> {
    return this.client.hget(this.keys.active, name);
  }

  /** Backfill and run id of every active run. */
  async active(): Promise<[backfill: string, runId: string][]> {
    return Object.entries(await this.client.hgetall(this.keys.active));
  }

  /** Ids of the runs of a backfill, newest first. */
  async ids(name: string, limit: number): Promise<string[]> {
    return this.client.zrevrange(this.keys.runs(name), 0, limit - 1);
  }

  async outstanding(runId: string): Promise<number> {
    return this.client.hlen(this.keys.work(runId));
  }

  /** How often each throttle failed. */
  async throttleErrors(runId: string): Promise<Record<string, string>> {
    return this.client.hgetall(this.keys.throttleErrors(runId));
  }

  async failures(runId: string): Promise<number> {
    return this.client.zcard(this.keys.failureOrder(runId));
  }

  /** Sets fields of a run that no script depends on, such as its last error; does nothing where it is gone. */
  async note(runId: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    await this.noteScript.run(this.client, this.keys.script(runId), Object.entries(fields).flat());
  }
}
