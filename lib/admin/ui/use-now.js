import { useEffect, useState } from './preact.min.js';
import { serverNow } from './clock.js';

/** The time of the server, each second while the page is visible. */
export function useNow() {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(serverNow());
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
