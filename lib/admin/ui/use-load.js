import { useEffect, useState } from './preact.min.js';

/**
 * Loads something after the first drawing and whenever `keys` change, and passes it on unless the keys have changed
 * meanwhile. Returns the error of the last time, or `null`.
 */
export function useLoad(load, onValue, keys, delayMs = 0) {
  const [error, setError] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    const run = async () => {
      try {
        const value = await load();
        if (!isCurrent) return;
        onValue(value);
        setError(null);
      } catch (failed) {
        if (isCurrent) setError(failed);
      }
    };
    const timer = setTimeout(() => void run(), delayMs);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, keys);
  return error;
}
