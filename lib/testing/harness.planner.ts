import type { EntityManager } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { requireGuard } from '../processing/guard/require-guard.js';
import type { PlannedRange } from '../sources/backfill-source.js';
import type { HarnessEntry } from './harness-entry.js';
import type { HarnessRunOptions } from './harness-options.js';

const RANGES_PER_PLAN = 1000;

/** Plans all ranges of a run at once, where the scheduler plans a window per cycle. */
export class HarnessPlanner {
  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly batchSize: number,
    private readonly fork: () => EntityManager,
  ) {}

  /**
   * Plans the ranges between the bounds, at most `maxRanges`.
   *
   * @throws what an app with this backfill throws at its start
   */
  async plan({ from, to }: HarnessRunOptions, maxRanges: number): Promise<HarnessEntry[]> {
    const { source, name, shape } = this.backfill;
    const { batchSize } = this;
    const context = { em: this.fork(), backfill: name };
    await source.prepare?.(context, { loadsRows: shape !== 'range' });
    requireGuard(context.em, this.backfill);
    const { partitions } = await source.open(context, { from, to });
    const planned: { range: PlannedRange; partition: string }[] = [];
    for (const { name: partition, bounds } of partitions) {
      let cursor: Parameters<typeof source.plan>[1]['cursor'] = null;
      for (let exhausted = bounds === null; !exhausted && planned.length < maxRanges;) {
        const limit = Math.min(RANGES_PER_PLAN, maxRanges);
        const plan = await source.plan(context, { partition, bounds, cursor, batchSize, limit });
        planned.push(...plan.ranges.map((range) => ({ range, partition })));
        ({ cursor, exhausted } = plan);
      }
    }
    return planned.map(({ range, partition }, index) => ({
      index,
      attempts: 0,
      rows: range.rows,
      payload: { kind: 'range', partition, range: range.data },
    }));
  }
}
