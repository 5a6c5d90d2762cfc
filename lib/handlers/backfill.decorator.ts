import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import type { Scope } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { BackfillSource } from '../sources/backfill-source.js';

/** A registered symbol: several copies of the package in one app find each other's handlers. */
export const BACKFILL_METADATA = Symbol.for('nestjs-backfill:handler');

/** Metadata key of Nest's `@Injectable` options. */
const SCOPE_METADATA = 'scope:options';

/**
 * Options of `@Backfill`.
 *
 * @publicApi
 */
export interface BackfillOptions {
  /**
   * Lower case letters, digits, dots, underscores and dashes, beginning with a letter or digit. Default:
   * the class name in kebab case, without `Backfill`.
   */
  readonly name?: string;
  /** One line that the page and the command line show beside the name. */
  readonly description?: string;
  /** The rows to process: `idRange(...)`, `keyset(...)`, or a custom source. */
  readonly source: BackfillSource;
  /** Config defaults of this backfill; values set by an operator override them. */
  readonly config?: BackfillConfigPatch;
  /** Throttles of this backfill, in addition to the `throttles` of the module. Default: none. */
  readonly throttles?: readonly BackfillThrottle[];
  /** Version of the handler's code; the status warns about a run that was started under another one. */
  readonly version?: string;
  /** Scope of the provider; a request-scoped handler is created for each range. Default: singleton. */
  readonly scope?: Scope;
}

/**
 * Marks a class as the handler of a backfill, and as injectable. It implements exactly one of `RangeHandler`,
 * `BatchHandler` and `RowHandler`, and is discovered in every module that provides it.
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
