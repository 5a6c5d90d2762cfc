import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { perDatabase } from './per-database.js';
import { readNumber } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';
import { TimeWindow } from './time-window.js';

const EVERY_MS = 250;
const WINDOW_MS = 5_000;
/** Of fewer active sessions, one that waits is no large share. */
const MIN_SESSIONS = 4;

/**
 * Options of {@link postgresWaits}.
 *
 * @publicApi
 */
export interface WaitsOptions extends ThrottleOptions {
  /** Share of active sessions, 0 to 1, above which the rate is reduced. Default 0.3. */
  readonly from?: number;
  /** Share of active sessions, 0 to 1, at which the backfill is held. Default 0.8. */
  readonly to?: number;
  /** Milliseconds between two looks at the sessions. Default 250. */
  readonly everyMs?: number;
}

/**
 * Slows down while the active sessions of the same database wait for disks (`IO`, `BufferPin`), for each other inside of
 * PostgreSQL (`LWLock`) or for locks (`Lock`), as `pg_stat_activity` has it: their share, as the mean of five seconds. Fewer
 * than four sessions count as four. A role that is no superuser needs `pg_monitor`.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresWaits(options: WaitsOptions = {}): BackfillThrottle {
  return perDatabase(() => waits(options));
}

function waits({ from = 0.3, to = 0.8, everyMs = EVERY_MS, ...rest }: WaitsOptions): BackfillThrottle {
  const shares = new TimeWindow(WINDOW_MS);
  return thresholdThrottle({
    ...rest,
    name: 'postgres-waits',
    everyMs,
    throttleAt: from,
    stopAt: to,
    read: async ({ em }) => {
      const share = await readNumber(
        em,
        `select (count(*) filter (where wait_event_type in ('IO', 'LWLock', 'Lock', 'BufferPin')))::float8 /
             greatest(count(*), ${MIN_SESSIONS}) as value
           from pg_stat_activity
           where state = 'active' and backend_type = 'client backend' and datname = current_database()
             and pid <> pg_backend_pid()`,
      );
      shares.add(share, performance.now());
      return shares.mean;
    },
    reason: (share) => `${Math.round(100 * share)} % of active sessions wait`,
  });
}
