import { BASE } from './api.js';
import { openEventSource } from './event-source.js';
import { createStore } from './store.js';

/** State of the event stream: `connecting`, `live` or `reconnecting`. */
export const connection = createStore('connecting');

const NAME = `nestjs-backfill:${BASE}`;
const listeners = new Set();

/** Calls the listener with each event, `{ type, backfill }`; `reset` where events were missed. */
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const emit = (event) => listeners.forEach((listener) => listener(event));

/**
 * Follows the event stream. A browser opens six connections to a server of HTTP/1.1, so all tabs share one stream: the
 * tab that has the lock opens it and passes the events on. Locks exist only in secure contexts; without them each
 * visible tab has a stream of its own.
 */
export function followEvents() {
  if (navigator.locks) shareStream();
  else streamWhileVisible();
}

function shareStream() {
  const channel = new BroadcastChannel(NAME);
  let isLeader = false;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no other origins
  const tell = (message) => channel.postMessage(message);
  channel.addEventListener('message', ({ data }) => {
    if (data.hello && isLeader) tell({ connection: connection.get() });
    if (isLeader) return;
    if (data.connection) connection.set(data.connection);
    if (data.event) emit(data.event);
  });
  tell({ hello: true });
  void navigator.locks.request(NAME, () => {
    isLeader = true;
    // The tab that had the lock is gone: what happened in between was not told.
    if (connection.get() !== 'connecting') emit({ type: 'reset' });
    openEventSource({
      onEvent(event) {
        tell({ event });
        emit(event);
      },
      onConnection(state) {
        connection.set(state);
        tell({ connection: state });
      },
    });
    // The lock is kept until the tab is closed.
    return new Promise(() => {});
  });
}

function streamWhileVisible() {
  let close;
  const update = () => {
    if (document.hidden) {
      close?.();
      close = undefined;
      connection.set('connecting');
    } else {
      close ??= openEventSource({ onEvent: emit, onConnection: (state) => connection.set(state) });
    }
  };
  document.addEventListener('visibilitychange', update);
  update();
}
