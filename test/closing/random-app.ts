import { setTimeout as sleep } from 'node:timers/promises';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import type { INestApplicationContext } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { BACKFILL_ENTITIES, BackfillModule, BackfillService } from 'nestjs-backfill';
import { Random } from '../chaos/random.js';
import { LogRecorder } from '../support/apps/log-recorder.js';
import { HANDLERS, Listener, probe } from './handlers.js';
import type { Closing, ClosingPlan } from './plan.js';
import { ClosingRow } from './rows.entity.js';

type Action = (backfills: BackfillService, name: string) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Action>> = {
  pause: (backfills, name) => backfills.pause(name),
  resume: (backfills, name) => backfills.resume(name),
  configure: (backfills, name) => backfills.configure(name, { concurrency: 2 }),
  cancel: (backfills, name) => backfills.cancel(name),
  start: (backfills, name) => backfills.start(name),
  status: (backfills, name) => backfills.status(name),
  preview: (backfills, name) => backfills.preview(name),
};

/** An app that a seed determines; it starts, and something is done to its run until it is closed. */
export class RandomApp {
  private readonly random: Random;
  private readonly logs = new LogRecorder();
  private readonly steps: string[] = [];
  private app: INestApplicationContext | undefined;
  private ready: Promise<void> = Promise.resolve();
  private started = false;
  private closing = false;

  constructor(
    private readonly plan: ClosingPlan,
    private readonly seed: number,
  ) {
    this.random = new Random(seed);
  }

  /** Resolves once the app is being started. */
  async open(): Promise<INestApplicationContext> {
    const name = this.random.pick(Object.keys(HANDLERS));
    const ledger = this.random.next() < 0.3;
    const listener = this.random.next() < 0.3;
    const throttle = this.random.next() < 0.3;
    const max = this.random.pick([2, 5, 10]);
    this.steps.push(name, `pool ${max}`, ...(ledger ? ['ledger'] : []), ...(listener ? ['listener'] : []));
    const testing = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({
          driver: PostgreSqlDriver,
          clientUrl: this.plan.databaseUrl,
          entities: [ClosingRow, ...(ledger ? BACKFILL_ENTITIES : [])],
          pool: { min: 0, max },
        }),
        BullModule.forRoot({ connection: { url: this.plan.redisUrl } }),
        ScheduleModule.forRoot(),
        BackfillModule.forRoot({
          keyPrefix: `closing-${this.seed}`,
          shutdownTimeout: this.plan.shutdownTimeout,
          ledger,
          throttles: throttle ? [probe] : [],
        }),
      ],
      providers: [HANDLERS[name] ?? [], ...(listener ? [Listener] : [])].flat(),
    })
      .setLogger(this.logs)
      .compile();
    this.app = testing;
    this.ready = this.init(testing);
    void this.act(testing, name);
    return testing;
  }

  /** Closes the app at a random moment: also twice, and while it starts. */
  async close(): Promise<Closing> {
    await sleep(this.random.between(0, 300));
    const { app, started } = this;
    const from = performance.now();
    this.closing = true;
    const twice = this.random.next() < 0.3;
    await Promise.all([app?.close(), twice ? app?.close() : undefined]);
    return {
      ms: performance.now() - from,
      starting: !started,
      steps: this.steps,
      logs: this.logs.having('warn').slice(-10),
    };
  }

  /** What is known of an app that does not close. */
  describe(): string {
    return [this.steps.join(' '), ...this.logs.having('warn'), ...process.getActiveResourcesInfo()].join(
      '\n    ',
    );
  }

  private async init(app: INestApplicationContext): Promise<void> {
    await app.init();
    this.started = true;
  }

  private async act(app: INestApplicationContext, name: string): Promise<void> {
    await this.ready;
    const backfills = app.get(BackfillService);
    for (let action = 'start'; !this.closing; action = this.random.pick(Object.keys(ACTIONS))) {
      this.steps.push(action);
      // Not awaited: the app closes in the middle of it. Some are refused in the state that the run is in.
      void ACTIONS[action]?.(backfills, name).catch(() => undefined);
      await sleep(this.random.between(0, 400));
    }
  }
}
