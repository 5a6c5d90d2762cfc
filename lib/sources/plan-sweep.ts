import type { BackfillSource, PlanRequest, SourceContext, SourcePlan } from './backfill-source.js';

/** The next ranges of a sweep; the plan of the walk where the source has no other. */
export async function planSweep(
  source: BackfillSource,
  context: SourceContext,
  request: PlanRequest,
): Promise<SourcePlan> {
  return source.planSweep ? source.planSweep(context, request) : source.plan(context, request);
}
