import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { OnBackfill } from 'nestjs-backfill';
import type { BackfillEvent } from 'nestjs-backfill';
import { startBackfillApp } from '../../support/apps/index.js';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { answerParent, tellParent } from '../../support/processes/index.js';

/** A process that hears an event and never gets to the end of what it does about it. */
@Injectable()
class Listener {
  @OnBackfill('completed', { once: true })
  async hear({ backfill }: BackfillEvent): Promise<void> {
    tellParent({ log: `heard ${backfill}` });
    await new Promise(() => {});
  }
}

const { database, redis, options } = JSON.parse(process.env['SETTINGS'] ?? '') as Required<
  Pick<BackfillAppSetup, 'database' | 'redis' | 'options'>
>;
await startBackfillApp({ database, redis, options, handlers: [Listener] });
answerParent(() => undefined);
