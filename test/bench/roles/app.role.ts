import { setImmediate as nextTurn } from 'node:timers/promises';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import {
  BackfillConflictError,
  BackfillModule,
  BackfillService,
  eventLoopLag,
  probeLatency,
} from 'nestjs-backfill';
// What earlier builds do not export is read where it is used.
import * as library from 'nestjs-backfill';
import type { BackfillEvent, BackfillThrottle, RehearseOptions, StartOptions } from 'nestjs-backfill';
import { tellParent } from '../../support/processes/index.js';
import type { BenchPlan, Role, SignalPlan } from '../bench-plan.js';
import { BenchModule } from '../bench.module.js';
import { BENCH_ENTITIES, BenchRow } from '../bench-rows.entity.js';
import { endless, handlersOf, held, slow, starts } from '../handlers.js';
import { forgetLoading, processFigures } from '../process-figures.js';

/** What the app knows of the foreground. */
function latencyOf({ url, ...thresholds }: Partial<SignalPlan> = {}): BackfillThrottle {
  return url === undefined
    ? probeLatency({ ...thresholds, probe: (em) => em.findOne(BenchRow, { id: 1 }) })
    : library.httpThrottle({ ...thresholds, url, name: 'slow requests of the foreground' });
}

const OVER = new Set<BackfillEvent['type']>(['completed', 'failed', 'cancelled']);

/** An app with the library and every handler of the benchmarks. */
export async function open(plan: BenchPlan): Promise<Role> {
  forgetLoading();
  const began = performance.now();
  const app = await NestFactory.createApplicationContext(
    {
      module: BenchModule,
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: plan.databaseUrl,
          entities: [...BENCH_ENTITIES, ...(plan.journaled ? library.BACKFILL_JOURNAL_ENTITIES : [])],
          pool: { min: 0, max: 10 },
        }),
        BullModule.forRoot({ connection: { url: plan.redisUrl } }),
        ScheduleModule.forRoot(),
        BackfillModule.forRoot({
          keyPrefix: plan.keyPrefix,
          workers: plan.workers ?? true,
          ...(plan.lockDuration === undefined ? {} : { lockDuration: plan.lockDuration }),
          throttles: plan.throttled ? [eventLoopLag(), latencyOf(plan.signal)] : [],
        }),
      ],
      providers: handlersOf(plan),
    },
    { logger: false },
  );
  const bootMs = performance.now() - began;
  Logger.overrideLogger({
    log: () => undefined,
    warn: (message: unknown) => tellParent({ log: String(message) }),
    error: (message: unknown) => tellParent({ log: String(message) }),
  });
  app.enableShutdownHooks();
  const service = app.get(BackfillService);

  const over = (name: string, runId: () => string | null) =>
    new Promise<BackfillEvent>((resolve) => {
      const subscription = service.events().subscribe((event) => {
        if (event.backfill === name && OVER.has(event.type) && (runId() ?? event.runId) === event.runId) {
          subscription.unsubscribe();
          resolve(event);
        }
      });
    });

  /** Starts a run and answers the ms until it was over. */
  const timed = async (name: string, start: () => Promise<{ readonly runId: string }>) => {
    const from = performance.now();
    let runId: string | null = null;
    const ended = over(name, () => runId);
    ({ runId } = await start());
    const { type } = await ended;
    const ms = performance.now() - from;
    if (type !== 'completed') {
      throw new Error(`Expected the run of ${name} to complete, it was ${type}`);
    }
    return ms;
  };

  return {
    ...processFigures(),
    bootMs: () => bootMs,
    /** Rows that `endless` has updated. */
    endlessRows: () => endless.rows,
    start: (name: string, options?: StartOptions) => service.start(name, options),
    status: (name: string) => service.status(name),
    rehearse: (name: string, options?: RehearseOptions) => service.rehearse(name, options),
    pause: (name: string) => service.pause(name),
    resume: (name: string) => service.resume(name),
    /** Cancels the run, unless it has ended meanwhile. */
    cancel: async (name: string) => {
      try {
        await service.cancel(name);
      } catch (error) {
        if (!(error instanceof BackfillConflictError)) {
          throw error;
        }
      }
    },
    configure: (name: string, patch: object) => service.configure(name, patch),
    /** Starts a run and answers the ms until it was over. */
    run: (name: string, options?: StartOptions) => timed(name, () => service.start(name, options)),
    /** Undoes the newest run and answers the ms until that was over. */
    undo: async (name: string) => {
      const { runId } = await service.status(name);
      return timed(name, () => service.undo(name, { runId: runId ?? '' }));
    },
    /** Starts a run and answers the ms until so many ranges were in the queue. */
    enqueue: async (name: string, ranges: number) => {
      const from = performance.now();
      let planned = 0;
      const enqueued = new Promise<void>((resolve) => {
        const subscription = service.events().subscribe(({ backfill, type, data }) => {
          planned += backfill === name && type === 'planned' ? data.ranges : 0;
          if (planned >= ranges) {
            subscription.unsubscribe();
            resolve();
          }
        });
      });
      await service.start(name);
      await enqueued;
      return performance.now() - from;
    },
    /** When ranges of a backfill began since it was last asked, epoch ms. */
    starts: (name: string) => starts.get(name)?.splice(0) ?? [],
    /** Numbers that `slow` has processed here. */
    slow: () => slow,
    /** Ranges of `held` that have begun here. */
    held: () => held,
    /** Blocks the event loop for so many ms, again and again, with a turn of it between two times. */
    block: async (ms: number, times: number) => {
      const never = new Int32Array(new SharedArrayBuffer(4));
      for (let time = 0; time < times; time++) {
        Atomics.wait(never, 0, 0, ms);
        await nextTurn();
      }
    },
  };
}
