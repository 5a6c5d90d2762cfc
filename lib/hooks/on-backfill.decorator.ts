import type { BackfillEventType } from '../state/backfill-event.js';

/** `Symbol.for`, so that two copies of the package find each other's listeners. */
export const ON_BACKFILL_METADATA = Symbol.for('nestjs-backfill:listener');

/**
 * Options of `@OnBackfill`.
 *
 * @publicApi
 */
export interface OnBackfillOptions {
  /**
   * Whether each event is delivered to exactly one process instead of to every process. Such an event is also
   * delivered later where no process was up when it occurred. Delivery is at least once: when a process dies before
   * its listener has returned, another one is called with the event after `lockDuration`. An event whose listener
   * threw counts as delivered. Default `false`.
   */
  readonly once?: boolean;
}

/** What `@OnBackfill` keeps of its arguments. */
export interface ListenerMetadata {
  readonly types: readonly BackfillEventType[];
  /** `undefined`: every backfill. */
  readonly backfill: string | undefined;
  readonly once: boolean;
}

/**
 * Calls the decorated method with each `BackfillEvent` of the given types. The class may be a provider or a controller
 * of any module, in any scope. Events of runs in other processes are received, too. An error that the method throws is
 * logged and has no other effect.
 *
 * An unknown type makes the start of the app fail with `BackfillDefinitionError`.
 *
 * @param type one or several of `BACKFILL_EVENT_TYPES`
 * @param backfill name of the only backfill to listen to; of one whose partitions are in several databases, the events of each of
 *   these, by their names. Default: every backfill
 * @param options may also be the second argument
 *
 * @example
 * ```ts
 * @OnBackfill('completed', 'enrich-accounts', { once: true })
 * async notifyTeam(event: BackfillEvent) { ... }
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
  const metadata: ListenerMetadata = { types, backfill: name, once };
  return (target, key) => {
    const before = (Reflect.getOwnMetadata(ON_BACKFILL_METADATA, target, key) ?? []) as ListenerMetadata[];
    Reflect.defineMetadata(ON_BACKFILL_METADATA, [...before, metadata], target, key);
  };
}
