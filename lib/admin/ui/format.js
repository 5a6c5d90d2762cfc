const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (value) => (value === null || value === undefined ? '–' : whole.format(value));
/** A count with its noun: `1 row`, `2 rows`. */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
export const compact = (value) => (value < 100_000 ? whole.format(value) : short.format(value));
export const rate = (value) => (value >= 100 ? whole.format(value) : fine.format(value));
export const perSecond = (value) => (value === null ? 'unpaced' : `${fine.format(value)}/s`);

/** Seconds as `3 h 20 min`. */
export function span(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [Math.floor(seconds % 60), 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** Time from an instant to another, as `3 h 20 min`. */
export const between = (from, to) => span(Math.max(0, Math.round((to - from) / 1000)));

/** Time until an instant, as `3 h 20 min`; `0 s` where it has passed. */
export function untilText(iso, now) {
  return iso ? between(now, Date.parse(iso)) : '–';
}

/** An instant in local time with its zone; the date only where it is not that of `now`. */
export function when(iso, now = Date.now()) {
  if (!iso) return '–';
  const date = new Date(iso);
  const today = new Date(now);
  const sameDay = date.toDateString() === today.toDateString();
  const sameYear = date.getFullYear() === today.getFullYear();
  return date.toLocaleString('en-GB', {
    ...(sameDay ? {} : { day: 'numeric', month: 'short' }),
    ...(sameYear ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
}

/** An instant in UTC, as the logs have it. */
export const utc = (iso) => `${new Date(iso).toISOString().replace('T', ' ').replace('Z', '')} UTC`;

/** Whether work of a run is done now. */
export const isRunning = (state) => state === 'running' || state === 'verifying';
/** Whether the run has not ended. */
export const isActive = (state) => isRunning(state) || state === 'paused' || state === 'waiting';

export const keyText = (key) => (typeof key === 'string' ? key : JSON.stringify(key));
export const valueText = (value) =>
  value === null || value === undefined
    ? 'none'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

/** What an override does to a throttle; `until` is `null` where it was ended. */
export function overrideText(factor, until, now) {
  if (until === null) return 'is as it was';
  return `${factor === 0 ? 'is ignored' : `counts × ${factor}`} until ${when(until, now)}`;
}
