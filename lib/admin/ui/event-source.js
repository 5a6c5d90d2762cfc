import { BASE } from './api.js';

const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 15_000;

/**
 * Opens the event stream. `EventSource` itself gives up on error responses; this reconnects with backoff and resumes
 * after the last event. Returns a function that closes the stream.
 */
export function openEventSource({ onEvent, onConnection }) {
  let lastId = '';
  let wait = MIN_WAIT_MS;
  let wasDisconnected = false;
  let source;
  let timer;
  const open = () => {
    source = new EventSource(`${BASE}/events${lastId ? `?lastEventId=${encodeURIComponent(lastId)}` : ''}`);
    source.addEventListener('open', () => {
      wait = MIN_WAIT_MS;
      onConnection('live');
      if (wasDisconnected) onEvent({ type: 'reset' });
      wasDisconnected = false;
    });
    source.addEventListener('message', ({ data, lastEventId }) => {
      lastId = lastEventId;
      const { type, backfill } = JSON.parse(data);
      onEvent({ type, backfill });
    });
    source.addEventListener('reset', () => onEvent({ type: 'reset' }));
    source.addEventListener('error', () => {
      wasDisconnected = true;
      onConnection('reconnecting');
      source.close();
      timer = setTimeout(open, wait);
      wait = Math.min(MAX_WAIT_MS, wait * 2);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
