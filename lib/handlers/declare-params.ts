import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';
import type { BackfillSource } from '../sources/backfill-source.js';
import { checkedSource } from '../sources/checked-source.js';
import { assertSource } from './assert-source.js';
import type { HandlerShape } from './handler-shape.js';
import { describeParams } from './params/params-schema.js';
import { isStandardSchema } from './params/standard-schema.js';
import type { DeclaredBackfill, SourceFactory } from './registered-backfill.js';

/**
 * The options `source` and `params` of `@Backfill`, parsed. What a function answers is checked when a run is started.
 *
 * @throws BackfillDefinitionError
 */
export function declareParams(
  { source, params }: { readonly source: unknown; readonly params?: unknown },
  shape: HandlerShape,
  name: string,
): Pick<DeclaredBackfill, 'declaredSource' | 'paramsSchema'> {
  if (params !== undefined && !isStandardSchema(params)) {
    throw new BackfillDefinitionError(
      `The option params of backfill "${name}" must be a Standard Schema, as those of zod, valibot and arktype are, got ` +
        `${describeValue(params)}. Write @Backfill({ params: z.object({ ... }) }).`,
    );
  }
  const paramsSchema = params && describeParams(params);
  if (typeof source === 'function') {
    return { declaredSource: source as SourceFactory, paramsSchema };
  }
  assertSource(source, shape, name);
  return { declaredSource: checkedSource(source as BackfillSource, name), paramsSchema };
}
