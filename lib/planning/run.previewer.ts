import { Injectable } from '@nestjs/common';
import { resolveConfig } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { parseLimit } from '../config/parse-limit.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { computeForecast } from '../forecast/compute-forecast.js';
import { MeasurementStore } from '../forecast/measurement.store.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { estimateEnd, startTimes } from '../pacing/schedule.js';
import type { SourceContext, SourceOpening, SourceWarning } from '../sources/backfill-source.js';
import { describeRange, fieldsOf } from '../sources/planned-range.js';
import { RunStore } from '../state/run.store.js';
import type { BackfillPreview, PreviewOptions, PreviewRange } from './backfill-preview.js';
import { HeldBatches } from './held-batches.js';

/** Ranges that a preview lists by default. */
export const PREVIEWED_RANGES = 20;

/** Plans the first ranges of a run without starting it. */
@Injectable()
export class RunPreviewer {
  constructor(
    private readonly configs: ConfigStore,
    private readonly managers: EntityManagers,
    private readonly runStore: RunStore,
    private readonly heldBatches: HeldBatches,
    private readonly measurements: MeasurementStore,
  ) {}

  async preview(backfill: RegisteredBackfill, options: PreviewOptions): Promise<BackfillPreview> {
    const { name, source, defaults } = backfill;
    const limit = parseLimit(name, options.limit, PREVIEWED_RANGES);
    const at = parseTime(name, options.at);
    const patch = parseConfigPatch(options.config, { backfill: name, origin: 'start' });
    const config = resolveConfig((await this.configs.read(name, defaults)).config, patch);
    const em = this.managers.fork(backfill);
    const context: SourceContext = { em, backfill: name };
    const opening = await source.open(context, { from: options.from, to: options.to });
    const planned = await plan(backfill, context, opening, config.batchSize, limit);
    const inspection = await source.inspect?.(context, opening, config.batchSize);
    em.clear();
    const total = inspection?.totalRanges ?? Math.ceil(opening.total.rows / config.batchSize);
    const times = startTimes(config, at);
    const end = estimateEnd(config, at, total);
    const measurement = await this.measurements.read(name);
    const rowsTotal = opening.total.rows;
    return {
      ranges: planned.map((range) => withStart(range, times.next().value)),
      total,
      rowsTotal,
      rowsTotalKind: opening.total.exact ? 'exact' : 'estimated',
      estimatedEnd: end === null ? null : isoTime(end),
      forecast: measurement && computeForecast(measurement, { config, rowsTotal, ranges: total, at }),
      warnings: [...(inspection?.warnings ?? []), ...(await this.lockWarnings(backfill))],
    };
  }

  private async lockWarnings({ name, guard }: RegisteredBackfill): Promise<SourceWarning[]> {
    const runId = guard === 'lock' ? await this.runStore.newestId(name) : null;
    return runId === null ? [] : this.heldBatches.warnings(runId);
  }
}

function withStart(range: Omit<PreviewRange, 'runAt'>, at: number | void): PreviewRange {
  return { ...range, runAt: typeof at === 'number' ? isoTime(at) : null };
}

async function plan(
  { source }: RegisteredBackfill,
  context: SourceContext,
  opening: SourceOpening,
  batchSize: number,
  limit: number,
): Promise<Omit<PreviewRange, 'runAt'>[]> {
  const ranges: Omit<PreviewRange, 'runAt'>[] = [];
  for (const { name: partition, bounds } of opening.partitions) {
    if (bounds === null || ranges.length >= limit) {
      continue;
    }
    const answer = await source.plan(context, {
      partition,
      bounds,
      cursor: null,
      batchSize,
      limit: limit - ranges.length,
    });
    for (const { data } of answer.ranges) {
      const fields = fieldsOf(describeRange(source, data), 'described');
      ranges.push({ index: ranges.length, ...(partition === '' ? {} : { partition }), ...fields });
    }
  }
  return ranges;
}

/** ISO time, with microseconds unless it is a whole millisecond. */
function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  const micros = Math.round((ms - whole) * 1000);
  const iso = new Date(micros === 1000 ? whole + 1 : whole).toISOString();
  return micros === 0 || micros === 1000 ? iso : iso.replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

function parseTime(name: string, at: PreviewOptions['at']): number {
  const time = at === undefined ? Date.now() : new Date(at).getTime();
  if (Number.isNaN(time)) {
    throw new BackfillRequestError(name, 'at', 'a Date, an ISO time or epoch milliseconds', at);
  }
  return time;
}
