import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { GrowthRate } from './growth-rate.js';
import { perDatabase } from './per-database.js';
import { readRows } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

const MIB = 1_048_576;
const WINDOW_MS = 5_000;

/**
 * Options of {@link postgresWalRate}.
 *
 * @publicApi
 */
export interface WalRateOptions extends ThrottleOptions {
  /** Bytes a second above which the rate is reduced. Default 67,108,864 (64 MiB). */
  readonly from?: number;
  /** Bytes a second at which the backfill is held. Default 268,435,456 (256 MiB). */
  readonly to?: number;
}

/**
 * Slows down while PostgreSQL writes much write-ahead log: bytes a second over the last five seconds, of all sessions,
 * those of the backfill included. Replicas and the archive have to keep up with it.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresWalRate(options: WalRateOptions = {}): BackfillThrottle {
  return perDatabase(() => walRate(options));
}

function walRate({ from = 64 * MIB, to = 256 * MIB, ...rest }: WalRateOptions): BackfillThrottle {
  const written = new GrowthRate(WINDOW_MS);
  return thresholdThrottle({
    ...rest,
    name: 'postgres-wal-rate',
    throttleAt: from,
    stopAt: to,
    read: async ({ em }) => {
      const [row] = await readRows(
        em,
        `select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes,
           (extract(epoch from clock_timestamp()) * 1000)::float8 as at`,
      );
      return written.add(Number(row?.['bytes']), Number(row?.['at']));
    },
    reason: (bytes) => `write-ahead log grows by ${(bytes / MIB).toFixed(1)} MiB/s`,
  });
}
