import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import type { Scope } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { BackfillSource } from '../sources/backfill-source.js';

/** Stable over copies of the package, so that each finds the other's handlers. */
export const BACKFILL_METADATA = Symbol.for('nestjs-backfill:handler');

/** Where Nest keeps the options of `@Injectable`. */
const SCOPE_METADATA = 'scope:options';

/**
 * What a backfill is.
 *
 * @publicApi
 */
export interface BackfillOptions {
  /**
   * Lower case letters, digits, dots, underscores and dashes, beginning with a letter or digit. Default:
   * the class name in kebab case, without `Backfill`.
   */
  readonly name?: string;
  /** One line for people, shown beside the name. */
  readonly description?: string;
  /** What is walked: `idRange(...)`, `keyset(...)`, or a source of the app's own. */
  readonly source: BackfillSource;
  /** Defaults of this backfill; what an operator sets wins over them. */
  readonly config?: BackfillConfigPatch;
  /** What slows this backfill down, beside the `throttles` of the module. Default: nothing. */
  readonly throttles?: readonly BackfillThrottle[];
  /** Version of the handler's code; a run that was started under another one is reported. */
  readonly version?: string;
  /** Scope of the provider; a request-scoped handler is made anew for each range. Default: singleton. */
  readonly scope?: Scope;
}

/**
 * Makes a class the handler of a backfill, and injectable. It implements exactly one of `RangeHandler`,
 * `BatchHandler` and `RowHandler`, and is found wherever it is provided.
 *
 * @example
 * ```ts
 * @Backfill({ source: idRange(Message), config: { batchSize: 100 } })
 * export class ReencryptMessages implements RangeHandler<IdRange> {
 *   async processRange(range: IdRange, context: BackfillContext) { ... }
 * }
 * ```
 *
 * @publicApi
 */
export function Backfill(options: BackfillOptions): ClassDecorator {
  return (target) => {
    const scoped = Reflect.getOwnMetadata(SCOPE_METADATA, target) as { scope?: Scope } | undefined;
    applyDecorators(
      Injectable(options.scope === undefined ? scoped : { ...scoped, scope: options.scope }),
      SetMetadata(BACKFILL_METADATA, options),
    )(target);
  };
}
