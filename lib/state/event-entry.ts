import { BACKFILL_EVENT_TYPES } from './backfill-event.js';
import type { BackfillEvent, BackfillEventFields, BackfillEventType } from './backfill-event.js';
import type { JsonValue } from '../sources/backfill-source.js';

/** An entry of a Redis stream, as ioredis returns it. */
export type StreamEntry = [id: string, fields: string[]];

/** An event of any type, as it is stored. */
export interface StoredEvent extends BackfillEventFields {
  readonly type: string;
  readonly data: { readonly [key: string]: JsonValue };
}

/** Fields and values of the entry of an event, as `emit_for` of the prelude writes them. */
export function encodeEvent(type: string, backfill: string, runId: string | null, data: object): string[] {
  return ['type', type, 'backfill', backfill, 'run', runId ?? '', 'data', JSON.stringify(data)];
}

/** Reads an entry that `encodeEvent` or a script wrote. */
export function decodeEvent([id, fields]: StreamEntry): StoredEvent {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    values.set(fields[i] ?? '', fields[i + 1] ?? '');
  }
  return {
    id,
    type: values.get('type') ?? '',
    backfill: values.get('backfill') ?? '',
    runId: values.get('run') || null,
    at: new Date(Number(id.split('-')[0])).toISOString(),
    data: JSON.parse(values.get('data') || '{}') as StoredEvent['data'],
  };
}

/** The event of an entry; `null` where a newer version of the library wrote it and this one has no such type. */
export function toEvent(entry: StreamEntry): BackfillEvent | null {
  const event = decodeEvent(entry);
  return isEventType(event.type) ? (event as BackfillEvent) : null;
}

/** Whether an event came after another. */
export function isLater(id: string, than: string): boolean {
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [thanMs = 0, thanSequence = 0] = than.split('-').map(Number);
  return ms > thanMs || (ms === thanMs && sequence > thanSequence);
}

function isEventType(type: string): type is BackfillEventType {
  return (BACKFILL_EVENT_TYPES as readonly string[]).includes(type);
}
