import { createStore } from './store.js';

/**
 * When the server last answered, and what is wrong since: `problem` is `null`, or its kind (`signed-out`, `away` or
 * `error`), the time since when, and a message.
 */
export const health = createStore({ answeredAt: null, problem: null });

export function noteAnswer() {
  health.set({ answeredAt: Date.now(), problem: null });
}

export function noteProblem(error) {
  const kind = error.isSignedOut ? 'signed-out' : error.isAway ? 'away' : 'error';
  const { answeredAt, problem } = health.get();
  const since = problem?.kind === kind ? problem.since : Date.now();
  health.set({ answeredAt, problem: { kind, since, message: error.message } });
}
