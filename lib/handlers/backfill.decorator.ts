import { applyDecorators, Injectable, SetMetadata } from '@nestjs/common';
import type { Scope } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import type { BackfillRehearsalOptions } from '../config/rehearsal-options.js';
import type { OnOtherVersion } from '../config/handler-version.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { BackfillUndoOptions } from './undo-options.js';
import type { BackfillGuard } from './backfill-guard.js';
import type { BackfillRange, BackfillSource } from '../sources/backfill-source.js';
import type { BackfillHandlerClass } from './handlers.js';
import type { ParamsOf, StandardSchema } from './params/standard-schema.js';
import type { BackfillVerifyOptions } from '../config/verify-options.js';

/** `Symbol.for` is the same in every copy of the package, so that two copies find each other's handlers. */
export const BACKFILL_METADATA = Symbol.for('nestjs-backfill:handler');

/** The metadata key of Nest for the options of `@Injectable`. */
const SCOPE_METADATA = 'scope:options';

/**
 * Options of {@link Backfill}.
 *
 * @typeParam TRange What the source hands to a range handler.
 * @typeParam TRow What the source loads for batch and row handlers.
 * @typeParam TSchema The schema of the parameters; `undefined` without one.
 * @publicApi
 */
export interface BackfillOptions<
  TRange extends BackfillRange = BackfillRange,
  TRow = unknown,
  TSchema extends StandardSchema | undefined = StandardSchema | undefined,
> {
  /**
   * Name of the backfill, unique in the app: lower case letters, digits, dots, underscores and dashes, starting with a
   * letter or digit. Default: the class name in kebab case without the suffix `Backfill`.
   */
  readonly name?: string;
  /** One line for operators, shown beside the name. Default: none. */
  readonly description?: string;
  /**
   * `contextName` of the `MikroOrmModule.forRoot` whose database the rows are in, in an app with several databases. Planning,
   * handlers, throttles, the budget and the journal of `undo` are then of that database, and an outage of another one does
   * not hold the backfill. Processes that have it in another context do not work on its runs. Default: that of the module.
   */
  readonly contextName?: string;
  /**
   * The rows to process: `idRange(...)`, `keyset(...)`, or an implementation of `BackfillSource`. Does not compile where
   * the type of the source has a property `unsuitable`, whose type is a sentence that says why: see `UnsuitableSource`.
   *
   * Or a function that returns it, where the rows depend on the parameters of the run. Every process calls it, so it must
   * depend on nothing else. The source is then checked when a run is started, and not when the app is.
   */
  readonly source:
    | BackfillSuitableSource<TRange, TRow>
    | ((run: { readonly params: ParamsOf<TSchema> }) => BackfillSuitableSource<TRange, TRow>);
  /**
   * Schema of the parameters that `start` takes, of any library that implements Standard Schema: zod, valibot, arktype.
   * Validation may be asynchronous. Each process parses the parameters of a run with its schema, so it must make the same
   * of the same parameters. A parameter whose JSON Schema has `format: 'password'`, `writeOnly: true` or `secret: true` (in
   * zod `.meta({ secret: true })`) is shown as `***`. Default: `start` takes no parameters.
   */
  readonly params?: TSchema;
  /**
   * Config defaults of this backfill. They override `config` of the module; what operators set with `configure`
   * overrides them. Default: none.
   */
  readonly config?: BackfillConfigPatch;
  /**
   * How the rows of batch and row handlers are guarded against writes of others while the handler works on them.
   * Range handlers write with statements of their own. Default: `recheck`.
   */
  readonly guard?: BackfillGuard;
  /**
   * Journals what the handler changes, so that `undo` can take a run back: the transaction that writes a row also writes
   * its values from before. Batch and row handlers by themselves; range handlers with `ctx.journal`. Needs PostgreSQL and
   * the tables of `createJournalSchema`. Default: nothing is journaled, and no run can be undone.
   */
  readonly undo?: BackfillUndoOptions;
  /**
   * Its part of `budget` of the module, in proportion to the weights of the other backfills: with 3, it is given three
   * times as much as one with 1, as long as both can use it. Runs that undo its runs have the same. A number from 0.01 to
   * 1,000. Default 1.
   */
  readonly weight?: number;
  /** Throttles of this backfill, beside those of the module. Default: none. */
  readonly throttles?: readonly BackfillThrottle[];
  /**
   * Verifies each run once it is through with its walk, before it is completed: `true`, or how. `start` can ask for
   * another verification, or none. Dry runs are not verified. Default: no verification.
   */
  readonly verify?: boolean | BackfillVerifyOptions<NoInfer<TRow>, ParamsOf<TSchema>>;
  /**
   * Version of the handler's code, 1 to 200 characters. A run keeps the version that it was started with; `onOtherVersion`
   * says what happens where that is another one. Default: none.
   */
  readonly version?: string;
  /**
   * What processes do with a run of another version of the handler, as during a deploy or after a rollback. `warn`: they
   * work on it, and the status warns. `hold`: they neither plan nor process anything of it, and Redis refuses their claims
   * and results. Once no process of the run's version is left, the run is paused until
   * `resume(name, { adoptVersion })` has it go on with another version. It takes effect where the run or the handler has
   * it, needs a `version`, and binds only processes with a version of the library that knows it. Default: `warn`.
   */
  readonly onOtherVersion?: OnOtherVersion;
  /**
   * How `rehearse` shows the rows of this backfill: `mask` names columns whose values are never shown. Default: columns
   * whose name looks secret are masked.
   */
  readonly rehearsal?: BackfillRehearsalOptions;
  /** Injection scope of the provider. A request-scoped handler is instantiated for each range. Default: singleton. */
  readonly scope?: Scope;
}

/**
 * A source that `@Backfill` takes: its type has no property `unsuitable`, see `UnsuitableSource`.
 *
 * @publicApi
 */
export type BackfillSuitableSource<TRange extends BackfillRange, TRow> = BackfillSource<TRange, TRow> & {
  readonly unsuitable?: never;
};

/**
 * Declares a class as the handler of a backfill, and makes it injectable. The class implements exactly one of
 * `RangeHandler`, `BatchHandler` and `RowHandler`, and is discovered among the providers of every module.
 *
 * Does not compile where the class has none of the methods, or where its method takes another range or other rows than the
 * source gives: `BatchHandler<Order>` with `keyset(Customer, ...)`, or `RangeHandler<IdRange>` with `keyset(...)`.
 *
 * The app fails to start with `BackfillDefinitionError` where the name is invalid or used twice, the handler has none or
 * several of the methods, or the source lacks a method that the handler needs; with `BackfillConfigError` where `config`
 * is invalid; with `BackfillSourceError` where the source does not fit its entity.
 *
 * @example
 * ```ts
 * @Backfill({ source: idRange(Message), config: { batchSize: 100 } })
 * export class ArchiveMessages implements RangeHandler<IdRange> {
 *   async processRange({ where }: IdRange, { em }: BackfillContext) {
 *     return em.nativeUpdate(Message, where, { archived: true });
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export function Backfill<
  TRange extends BackfillRange,
  TRow,
  TSchema extends StandardSchema | undefined = undefined,
>(
  options: BackfillOptions<TRange, TRow, TSchema>,
): (target: BackfillHandlerClass<TRange, TRow, ParamsOf<TSchema>>) => void {
  return (target) => {
    const scoped = Reflect.getOwnMetadata(SCOPE_METADATA, target) as { scope?: Scope } | undefined;
    applyDecorators(
      Injectable(options.scope === undefined ? scoped : { ...scoped, scope: options.scope }),
      SetMetadata(BACKFILL_METADATA, options),
    )(target);
  };
}
