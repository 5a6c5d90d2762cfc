import { BASE } from './api.js';

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follows the events and says how the connection is. The browser's own reconnecting gives up on some
 * answers; this does not, and goes on after the last event that came.
 */
export function follow({ onEvent, onLink }) {
  let last = '';
  let wait = FIRST_WAIT_MS;
  let wasCut = false;
  const open = () => {
    const source = new EventSource(`${BASE}/events${last ? `?lastEventId=${encodeURIComponent(last)}` : ''}`);
    source.addEventListener('open', () => {
      wait = FIRST_WAIT_MS;
      onLink('live');
      if (wasCut) onEvent({ type: 'reset' });
      wasCut = false;
    });
    source.addEventListener('message', ({ data, lastEventId }) => {
      last = lastEventId;
      onEvent(JSON.parse(data));
    });
    source.addEventListener('reset', () => onEvent({ type: 'reset' }));
    source.addEventListener('error', () => {
      wasCut = true;
      onLink('reconnecting');
      source.close();
      setTimeout(open, wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    });
  };
  open();
}
