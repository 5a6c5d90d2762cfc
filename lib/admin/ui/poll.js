import { noteAnswer, noteProblem } from './health.js';

const MIN_MS = 1_000;
const IDLE_MS = 5_000;
const MAX_WAIT_MS = 10_000;

/**
 * Calls `load` at once, then after each `poke` and every five seconds: never twice within a second, never while the
 * page is hidden, and less often while the server gives errors.
 */
export function startPolling(load) {
  let timer;
  let isLoading = false;
  let isWanted = false;
  let isStopped = false;
  let startedAt = -Infinity;
  let errors = 0;

  const untilAllowed = () => Math.max(0, startedAt + MIN_MS - performance.now());
  const schedule = (ms) => {
    clearTimeout(timer);
    if (!isStopped && !document.hidden) timer = setTimeout(() => void run(), ms);
  };
  const run = async () => {
    isLoading = true;
    isWanted = false;
    startedAt = performance.now();
    try {
      await load();
      errors = 0;
      if (!isStopped) noteAnswer();
    } catch (error) {
      errors++;
      if (!isStopped) noteProblem(error);
    }
    isLoading = false;
    if (errors > 0) schedule(Math.min(MAX_WAIT_MS, MIN_MS * 2 ** (errors - 1)));
    else schedule(isWanted ? untilAllowed() : IDLE_MS);
  };
  const poke = () => {
    if (isLoading) isWanted = true;
    else schedule(untilAllowed());
  };
  const onVisibility = () => (document.hidden ? clearTimeout(timer) : poke());
  document.addEventListener('visibilitychange', onVisibility);
  poke();
  return {
    poke,
    stop() {
      isStopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    },
  };
}
