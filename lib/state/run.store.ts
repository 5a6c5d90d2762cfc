import { Injectable, Inject } from '@nestjs/common';
import { encodeAdoption } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { BackfillEventData, BackfillEventType } from './backfill-event.js';
import { encodeLateness } from './lateness.js';
import type { Lateness } from './lateness.js';
import { parseRun } from './run-record.js';
import type { RunRecord } from './run-record.js';
import { TRANSITIONS, isRunStatus } from './run-status.js';
import type { RunAction, RunStatus } from './run-status.js';

const IDEMPOTENCY_SECONDS = 24 * 3600;

/** The counters that `successes` of the prelude adds up, and its result at the last change. */
const SUCCESS_FIELDS = ['done', 'rowsDone', 'fruitless', 'successesBefore'] as const;

const EVENT_OF = {
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
} as const satisfies Record<RunAction, BackfillEventType>;

/** Result of the start of a run; `past`: its `finishBy` is not in the future. */
export type StartAnswer =
  | { readonly kind: 'started' | 'repeated' | 'past'; readonly runId: string }
  | { readonly kind: 'active'; readonly runId: string; readonly status: RunStatus };

/** Result of a transition; `already`: the run was in that status. Both statuses are `null` where the run is gone. */
export interface TransitionAnswer {
  readonly kind: 'moved' | 'already' | 'refused';
  readonly before: RunStatus | null;
  readonly now: RunStatus | null;
}

/** What a transition depends on or does beside the change of the status. */
export interface TransitionOptions {
  /** Moves the run only while it has been resumed so many times. */
  readonly resumes?: number | undefined;
  /** The version that the run goes on with. A run that is running adopts none. */
  readonly adopt?: Adoption | undefined;
}

/** Stores the runs: starts them, moves them between statuses, reads them. */
@Injectable()
export class RunStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Starts a run unless one is active. For a repeated idempotency key it returns the run that was started first. */
  async start(
    backfill: string,
    runId: string,
    idempotencyKey: string,
    fields: Readonly<Record<string, string | number>>,
  ): Promise<StartAnswer> {
    const [kind, id, status] = await scripts.start.run(
      this.client,
      this.keys,
      { backfill, runId, idempotencyKey },
      [backfill, runId, idempotencyKey, IDEMPOTENCY_SECONDS, ...Object.entries(fields).flat()],
    );
    return kind === 'active' ? { kind, runId: id, status: status as RunStatus } : { kind, runId: id };
  }

  /** Moves a run to the status that the action leads to, if its status allows that. */
  async move(
    runId: string,
    action: RunAction,
    reason: string,
    data: BackfillEventData['paused' | 'resumed' | 'cancelled'],
    { resumes, adopt }: TransitionOptions = {},
  ): Promise<TransitionAnswer> {
    const { from, to } = TRANSITIONS[action];
    const [kind, before, now] = await scripts.transition.run(this.client, this.keys, { runId }, [
      to,
      EVENT_OF[action],
      reason,
      JSON.stringify(data),
      resumes ?? '',
      ...encodeAdoption(adopt),
      ...from,
    ]);
    return { kind, before: (before || null) as RunStatus | null, now: (now || null) as RunStatus | null };
  }

  async read(runId: string): Promise<RunRecord | null> {
    const hash = await this.client.hgetall(this.keys.run(runId));
    return Object.keys(hash).length === 0 ? null : parseRun(hash);
  }

  /** The status of a run, also where other fields are corrupt; `null` where it is not there or is corrupt itself. */
  async status(runId: string): Promise<RunStatus | null> {
    try {
      const status = await this.client.hget(this.keys.run(runId), 'status');
      return isRunStatus(status) ? status : null;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) {
        return null;
      }
      throw error;
    }
  }

  /** Id of the newest run of a backfill, active or ended. */
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

  /** Whether a row or a range has succeeded since the run was last started, resumed or configured. */
  async hasSucceeded(runId: string): Promise<boolean> {
    const counts = await this.client.hmget(this.keys.run(runId), ...SUCCESS_FIELDS);
    const [done = 0, rowsDone = 0, fruitless = 0, before = 0] = counts.map(Number);
    return done - fruitless + rowsDone > before;
  }

  /** How many times each throttle failed. */
  async throttleErrors(runId: string): Promise<Record<string, string>> {
    return this.client.hgetall(this.keys.throttleErrors(runId));
  }

  async failures(runId: string): Promise<number> {
    return this.client.zcard(this.keys.failureOrder(runId));
  }

  /** Ends a run that is through with everything, unless a retry of its failures is under way. */
  async endIfDrained(runId: string): Promise<void> {
    await scripts.endDrained.run(this.client, this.keys, { runId }, []);
  }

  /** Records the lateness of a run, with the event of a change, unless another process has recorded it meanwhile. */
  async recordLateness(
    { id, finishBy, lateness }: RunRecord,
    next: Lateness,
    data: BackfillEventData['late' | 'onTime'] | null,
  ): Promise<void> {
    await scripts.recordLateness.run(this.client, this.keys, { runId: id }, [
      finishBy ?? '',
      lateness === null ? '' : encodeLateness(lateness),
      encodeLateness(next),
      data === null ? '' : next.late ? 'late' : 'onTime',
      JSON.stringify(data),
    ]);
  }

  /** Counts rows of the journal, or conflicts of an undo; answers how many there are, `null` where the run is gone. */
  async count(runId: string, what: 'journaled' | 'conflicts', rows: number): Promise<number | null> {
    return scripts.countJournaled.run(this.client, this.keys, { runId }, [what, rows]);
  }

  /** Sets fields of a run that no script depends on, such as its last error, unless the run is gone. */
  async setFields(runId: string, fields: Readonly<Record<string, string | number>>): Promise<void> {
    await scripts.setFields.run(this.client, this.keys, { runId }, Object.entries(fields).flat());
  }
}
