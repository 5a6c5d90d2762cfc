import { Injectable, Logger } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { DatabaseUser } from '../database/entity-managers.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { EventStream } from '../state/event.stream.js';
import { RunStore } from '../state/run.store.js';
import { walPosition } from './wal-position.js';

const ENDED = new Set<BackfillEvent['type']>(['completed', 'failed', 'cancelled']);

/**
 * Records how much write-ahead log the server has written by the end of a run, for the runs whose forecast has it: one
 * statement at their start, and one at their end in each process that hears of it.
 */
@Injectable()
export class WalRecorder {
  private readonly logger = new Logger('Backfill');

  constructor(
    private readonly managers: EntityManagers,
    private readonly runs: RunStore,
    private readonly registry: BackfillRegistry,
    events: EventStream,
  ) {
    events.events.subscribe(({ type, runId, backfill }) => {
      if (runId !== null && ENDED.has(type)) {
        void this.record(runId, this.registry.find(backfill ?? ''));
      }
    });
  }

  private async record(runId: string, backfill: DatabaseUser | undefined): Promise<void> {
    try {
      const run = await this.runs.read(runId);
      if (run?.walFrom !== undefined) {
        await this.runs.setFields(runId, { walTo: await walPosition(this.managers.fork(backfill)) });
      }
    } catch (error) {
      // The app may be closing. The figure is then left out.
      this.logger.debug(`Cannot tell the write-ahead log of run ${runId}: ${String(error)}`);
    }
  }
}
