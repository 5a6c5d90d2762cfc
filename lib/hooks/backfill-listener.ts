import { EVERY_BACKFILL } from '../state/global-hold.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import type { ListenerMetadata } from './on-backfill.decorator.js';

/** A method decorated with `@OnBackfill`, once for each decorator. */
export interface BackfillListener extends ListenerMetadata {
  /** `Class.method`: the same in every process, and part of the name of a consumer group. */
  readonly id: string;
  readonly call: (event: BackfillEvent) => Promise<void>;
  /** The backfills of the partitions of its backfill, where these are in several databases. Default: none. */
  readonly partitions?: readonly string[];
}

/** Whether the decorator of a listener names the type and the backfill of an event. */
export function isListeningTo(
  { types, backfill, partitions = [] }: ListenerMetadata & Pick<BackfillListener, 'partitions'>,
  event: Pick<BackfillEvent, 'type' | 'backfill'>,
): boolean {
  const names = [backfill, ...partitions, EVERY_BACKFILL];
  return types.includes(event.type) && (backfill === undefined || names.includes(event.backfill));
}
