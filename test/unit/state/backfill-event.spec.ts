import type { BackfillEvent } from 'nestjs-backfill';
import { BACKFILL_EVENT_TYPES } from '../../../lib/state/backfill-event.js';
import { encodeEvent, toEvent } from '../../../lib/state/event-entry.js';

const ID = '1767225600000-3';

describe('an event', () => {
  it.each(BACKFILL_EVENT_TYPES)('of type %s is read as it was written', (type) => {
    const data = { by: 'ada', reason: null };
    expect(toEvent([ID, encodeEvent(type, 'work', 'r1', data)])).toEqual({
      id: ID,
      type,
      backfill: 'work',
      runId: 'r1',
      at: '2026-01-01T00:00:00.000Z',
      data,
    });
  });

  it('without a run and without data has neither', () => {
    const event = toEvent([ID, ['type', 'configured', 'backfill', 'work', 'run', '', 'data', '']]);
    expect(event).toMatchObject({ runId: null, data: {} });
  });

  it('of a type that only a newer version knows is left out', () => {
    expect(toEvent([ID, encodeEvent('rehearsed', 'work', 'r1', {})])).toBeNull();
  });

  it('has the data of its type, and can be read as any event', () => {
    const event = toEvent([ID, encodeEvent('completed', 'work', 'r1', { failures: 0 })]);
    const failures = (it: BackfillEvent): number | null =>
      it.type === 'completed' || it.type === 'failed' ? it.data.failures : null;
    const anyData = (it: { readonly data: { readonly [key: string]: unknown } }) => it.data['failures'];
    const onPaused = (it: BackfillEvent<'paused'>): string | null => it.data.by ?? null;
    expect(event && failures(event)).toBe(0);
    expect(event && anyData(event)).toBe(0);
    expect(event?.data['failures']).toBe(0);
    expect(event?.type === 'paused' ? onPaused(event) : null).toBeNull();
  });
});
