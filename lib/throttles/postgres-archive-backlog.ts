import type { BackfillThrottle, ThrottleOptions } from './backfill-throttle.js';
import { readNumber } from './read-number.js';
import { thresholdThrottle } from './threshold-throttle.js';

/**
 * Options of {@link postgresArchiveBacklog}.
 *
 * @publicApi
 */
export interface ArchiveBacklogOptions extends ThrottleOptions {
  /** Segments of the write-ahead log, of 16 MB each by default, above which the rate is reduced. Default 16. */
  readonly from?: number;
  /** Segments at which the backfill is held. Default 256. */
  readonly to?: number;
}

/**
 * Slows down while PostgreSQL archives its write-ahead log more slowly than it is written, or `archive_command` fails: the
 * segments that are ready to be archived count. No pressure where `archive_mode` is off. A role that is no superuser needs
 * `pg_monitor`.
 *
 * @throws RangeError unless `from` is below `to`
 * @publicApi
 */
export function postgresArchiveBacklog({
  from = 16,
  to = 256,
  ...rest
}: ArchiveBacklogOptions = {}): BackfillThrottle {
  return thresholdThrottle({
    ...rest,
    name: 'postgres-archive-backlog',
    throttleAt: from,
    stopAt: to,
    read: ({ em }) =>
      readNumber(
        em,
        `select case when current_setting('archive_mode') = 'off' then 0 else
           (select count(*) from pg_ls_archive_statusdir() where name like '%.ready') end::float8 as value`,
      ),
    reason: (segments) =>
      `${segments} WAL ${segments === 1 ? 'segment waits' : 'segments wait'} to be archived`,
  });
}
