import type { BackfillEventType } from '../state/backfill-event.js';

/** Stable over copies of the package, so that each finds the other's listeners. */
export const ON_BACKFILL_METADATA = Symbol.for('nestjs-backfill:listener');

/**
 * How a listener is called.
 *
 * @publicApi
 */
export interface OnBackfillOptions {
  /**
   * Whether exactly one process gets each event, instead of every process. When it dies before its listener
   * has returned, another gets the event after `lockDuration`: the listener may then be called again. Default
   * `false`.
   */
  readonly once?: boolean;
}

/** What a method listens to. */
export interface BackfillListening {
  readonly types: readonly BackfillEventType[];
  /** `undefined`: every backfill. */
  readonly backfill: string | undefined;
  readonly once: boolean;
}

/**
 * Has a method of any provider called with each `BackfillEvent` of a type, of one backfill or of all. An
 * error that it throws is logged, and nobody else notices.
 *
 * @param type what happened, or several such things
 * @param backfill name of the backfill. Default: all of them
 *
 * @example
 * ```ts
 * @OnBackfill('completed', 'enrich-accounts', { once: true })
 * async tellTheTeam(event: BackfillEvent) { ... }
 * ```
 *
 * @publicApi
 */
export function OnBackfill(
  type: BackfillEventType | readonly BackfillEventType[],
  backfill?: string | OnBackfillOptions,
  options?: OnBackfillOptions,
): MethodDecorator {
  const name = typeof backfill === 'string' ? backfill : undefined;
  const { once = false } = options ?? (typeof backfill === 'object' ? backfill : {});
  const types = typeof type === 'string' ? [type] : type;
  const listening: BackfillListening = { types, backfill: name, once };
  return (target, key) => {
    const before = (Reflect.getOwnMetadata(ON_BACKFILL_METADATA, target, key) ?? []) as BackfillListening[];
    Reflect.defineMetadata(ON_BACKFILL_METADATA, [...before, listening], target, key);
  };
}
