import { BASE } from './api.js';

const MIN_WAIT_MS = 1000;
const MAX_WAIT_MS = 15_000;

/**
 * Subscribes to the event stream and reports the state of the connection. `EventSource` itself gives up on error
 * responses; this reconnects with backoff and resumes after the last event.
 */
export function follow({ onEvent, onConnection }) {
  let lastId = '';
  let wait = MIN_WAIT_MS;
  let wasDisconnected = false;
  const open = () => {
    const source = new EventSource(
      `${BASE}/events${lastId ? `?lastEventId=${encodeURIComponent(lastId)}` : ''}`,
    );
    source.addEventListener('open', () => {
      wait = MIN_WAIT_MS;
      onConnection('live');
      if (wasDisconnected) onEvent({ type: 'reset' });
      wasDisconnected = false;
    });
    source.addEventListener('message', ({ data, lastEventId }) => {
      lastId = lastEventId;
      onEvent(JSON.parse(data));
    });
    source.addEventListener('reset', () => onEvent({ type: 'reset' }));
    source.addEventListener('error', () => {
      wasDisconnected = true;
      onConnection('reconnecting');
      source.close();
      setTimeout(open, wait);
      wait = Math.min(MAX_WAIT_MS, wait * 2);
    });
  };
  open();
}
