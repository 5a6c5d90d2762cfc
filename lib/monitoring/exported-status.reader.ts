import { Injectable } from '@nestjs/common';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { RunStore } from '../state/run.store.js';
import type { BackfillStatus } from '../status/backfill-status.js';
import { StatusReader } from '../status/status.reader.js';
import { MetricsLeases } from './metrics.leases.js';

/** Reads the status of the backfills whose metrics this process exports for all processes. */
@Injectable()
export class ExportedStatusReader {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly leases: MetricsLeases,
    private readonly statusReader: StatusReader,
  ) {}

  /** Of the backfills that have a handler in this process or an active run, without those that another process exports. */
  async read(): Promise<BackfillStatus[]> {
    const handled = this.registry.all().map(({ name }) => name);
    const active = (await this.runs.active()).map(([name]) => name);
    const exported = await this.leases.acquire([...new Set([...handled, ...active])]);
    return this.statusReader.list(exported);
  }
}
