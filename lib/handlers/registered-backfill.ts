import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { BatchHandler, RangeHandler, RowHandler } from './handlers.js';
import type { BackfillSource } from '../sources/backfill-source.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { HandlerShape } from './handler-shape.js';

/** A handler of any shape; which one, `RegisteredBackfill.shape` tells. */
export type AnyHandler = RangeHandler | BatchHandler<unknown> | RowHandler<unknown>;

/** A backfill that this app has a handler for. */
export interface RegisteredBackfill {
  readonly name: string;
  readonly description: string | null;
  readonly version: string | null;
  readonly className: string;
  readonly source: BackfillSource;
  readonly shape: HandlerShape;
  readonly throttles?: readonly BackfillThrottle[];
  /** Defaults, those of the module before those of the decorator. */
  readonly defaults: readonly BackfillConfigPatch[];
  /** The handler; made anew each time where it is request-scoped or transient. */
  readonly resolve: () => Promise<AnyHandler>;
}
