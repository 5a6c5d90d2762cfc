import type { EntityManager } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { PlannedRange } from '../sources/backfill-source.js';
import type { HarnessRunOptions } from './harness-options.js';
import type { HarnessWork } from './harness-work.js';

const PLAN_AT_ONCE = 1000;

/** Plans all that a run is to do, as the scheduler would in cycles. */
export class HarnessPlanner {
  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly batchSize: number,
    private readonly fork: () => EntityManager,
  ) {}

  /** The ranges between the bounds, no more than so many. */
  async plan({ from, to }: HarnessRunOptions, most: number): Promise<HarnessWork[]> {
    const { source, name } = this.backfill;
    const { batchSize } = this;
    const context = { em: this.fork(), backfill: name };
    await source.prepare?.(context);
    const { partitions } = await source.open(context, { from, to });
    const planned: { range: PlannedRange; partition: string }[] = [];
    for (const { name: partition, bounds } of partitions) {
      let cursor: Parameters<typeof source.plan>[1]['cursor'] = null;
      for (let exhausted = bounds === null; !exhausted && planned.length < most;) {
        const limit = Math.min(PLAN_AT_ONCE, most);
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
