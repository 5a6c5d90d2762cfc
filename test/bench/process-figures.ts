import type { Role } from './bench-plan.js';

const SAMPLE_MS = 20;

/** Collects what loading the modules left, so that the next measurement does not; needs `--expose-gc`. */
export function forgetLoading(): void {
  globalThis.gc?.();
}

/** What a process tells of itself. */
export function processFigures(): Role {
  let peak = 0;
  let sampling: NodeJS.Timeout | undefined;
  return {
    /** Microseconds of CPU so far. */
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    /** Bytes of the heap that are in use; needs `--expose-gc`. */
    heapUsed: () => {
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    },
    uptimeMs: () => performance.now(),
    rss: () => process.memoryUsage.rss(),
    watchMemory: () => {
      peak = process.memoryUsage.rss();
      clearInterval(sampling);
      sampling = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage.rss());
      }, SAMPLE_MS);
    },
    /** Largest RSS in bytes since `watchMemory`. */
    peakMemory: () => {
      clearInterval(sampling);
      return peak;
    },
  };
}
