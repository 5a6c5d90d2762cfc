import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { HandlerVersion } from '../config/handler-version.js';
import type { BatchHandler, RangeHandler, RowHandler } from './handlers.js';
import type { BackfillSource } from '../sources/backfill-source.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { BackfillGuard } from './backfill-guard.js';
import type { UndoSettings } from './undo-options.js';
import type { HandlerShape } from './handler-shape.js';
import type { ParamsSchema } from './params/params-schema.js';
import type { RunParams } from './params/run-params.js';
import type { BackfillVerifyOptions, VerifyOptions } from '../config/verify-options.js';

/** A handler of any shape; `RegisteredBackfill.shape` discriminates. */
export type AnyHandler = RangeHandler | BatchHandler<unknown> | RowHandler<unknown>;

/** Makes the source of a run from its parameters. */
export type SourceFactory = (run: { readonly params: unknown }) => BackfillSource;

/** A backfill with a handler in this app, whatever its source. */
export interface HandledBackfill extends HandlerVersion {
  readonly name: string;
  readonly description: string | null;
  readonly className: string;
  /** Name of the `@Backfill` whose partitions are in several databases, and of which it is one; absent: it is none. */
  readonly group?: string | undefined;
  /** `contextName` of the `MikroOrmModule` whose database its rows are in; absent: that of the module. */
  readonly contextName?: string | undefined;
  /** Of the parameters of its runs; absent: they have none. */
  readonly paramsSchema?: ParamsSchema | undefined;
  readonly shape: HandlerShape;
  /** Its part of the budget, in proportion to those of others; absent: 1. */
  readonly weight?: number;
  /** Of batch and row handlers; absent: `recheck`. */
  readonly guard?: BackfillGuard;
  readonly throttles?: readonly BackfillThrottle[];
  /** How its runs are journaled; `null` or absent: they are not, and cannot be undone. */
  readonly undo?: UndoSettings | null;
  /** What works on the runs that undo its runs; absent: nothing does. */
  readonly reversal?: RegisteredBackfill;
  /** How its runs are verified; `null` or absent: they are not, unless `start` asks for it. */
  readonly verify?: VerifyOptions | null;
  /** Checks a row of the sample of a run. */
  readonly verifyRow?: BackfillVerifyOptions['row'];
  /** Whether it can check rows: it has `verifyRow`, or its handler has the method of that name. */
  readonly verifiesRows?: boolean;
  /** Columns that rehearsals mask, beside those whose name looks secret; absent: none. */
  readonly mask?: readonly string[];
  /** Config defaults in the order in which they are applied: of the module, of the decorator. */
  readonly defaults: readonly BackfillConfigPatch[];
  /** Returns the handler: a new instance for each call where the provider is request-scoped or transient. */
  readonly resolve: () => AnyHandler | Promise<AnyHandler>;
}

/** A backfill as `@Backfill` declares it. `RunBinder` makes a `RegisteredBackfill` of it. */
export interface DeclaredBackfill extends HandledBackfill {
  /** A function where the rows depend on the parameters of the run. */
  readonly declaredSource: BackfillSource | SourceFactory;
}

/** A backfill with the parameters of a run and the source that has its rows. */
export interface RegisteredBackfill extends HandledBackfill {
  readonly source: BackfillSource;
  /** Absent: it takes none. */
  readonly params?: RunParams | undefined;
}
