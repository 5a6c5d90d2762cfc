import { BackfillSourceError } from '../errors/backfill-source.error.js';
import type {
  BackfillSource,
  ExactPlanRequest,
  PlanRequest,
  SourceContext,
  SourcePlan,
} from './backfill-source.js';

/**
 * The next ranges of a partition with at most `rows` rows together, and exact numbers of rows.
 *
 * @throws BackfillSourceError where the source plans more rows than it was asked for
 */
export async function planExact(
  source: BackfillSource,
  context: SourceContext,
  request: ExactPlanRequest,
): Promise<SourcePlan> {
  const cut = { ...request, ...cutTo(request, request.rows) };
  const plan = await (source.planExact ? source.planExact(context, cut) : source.plan(context, cut));
  const planned = plan.ranges.reduce((sum, { rows }) => sum + Math.round(rows), 0);
  if (planned > request.rows) {
    throw new BackfillSourceError({
      code: 'BACKFILL_SOURCE_ANSWER',
      backfill: context.backfill,
      entity: 'its rows',
      field: `${source.planExact ? 'planExact' : 'plan'}().ranges`,
      expected: `at most ${cut.limit} × ${cut.batchSize} rows, as it was asked for because of a canary`,
      received: String(planned),
      remedy:
        `Give the source of kind "${source.kind}" the method planExact, or have plan return ranges of at most ` +
        'batchSize rows; or start the run without a canary.',
    });
  }
  return plan;
}

/** Whether the source can plan an exact number of rows, as far as its methods tell. */
export function plansExactly(source: BackfillSource, totalExact: boolean): boolean {
  const isExact = source.countPlanned !== undefined || (totalExact && source.estimatesRows !== true);
  return source.planExact !== undefined || isExact;
}

/** Whole ranges as long as there are rows for one, and then a shorter one. */
export function cutTo(
  { batchSize, limit }: Pick<PlanRequest, 'batchSize' | 'limit'>,
  rows: number,
): Pick<PlanRequest, 'batchSize' | 'limit'> {
  const whole = Math.floor(rows / batchSize);
  return whole > 0 ? { batchSize, limit: Math.min(limit, whole) } : { batchSize: rows, limit: 1 };
}
