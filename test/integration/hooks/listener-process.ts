import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { OnBackfill } from 'nestjs-backfill';
import type { BackfillEvent } from 'nestjs-backfill';
import { startBackfillApp } from '../../support/apps/index.js';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { answerParent, tellParent } from '../../support/processes/index.js';

/** A process whose listener receives an event and never returns. */
@Injectable()
class Listener {
  @OnBackfill('completed', { once: true })
  async onCompleted({ backfill }: BackfillEvent): Promise<void> {
    tellParent({ log: `received ${backfill}` });
    await new Promise(() => {});
  }
}

const { database, redis, options } = JSON.parse(process.env['SETTINGS'] ?? '') as Required<
  Pick<BackfillAppSetup, 'database' | 'redis' | 'options'>
>;
await startBackfillApp({ database, redis, options, handlers: [Listener] });
answerParent(() => undefined);
