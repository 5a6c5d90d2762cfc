export { formatDuration } from '../../errors/format-duration.js';

/** Formats an ISO time without milliseconds; `-` for `null`. */
export function formatTime(iso: string | null): string {
  return iso === null ? '-' : iso.replace(/\.\d+Z$/, 'Z');
}
