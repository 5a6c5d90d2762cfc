const HOUR_S = 3600;
/** Peak hours begin on whole hours of their zone, and zones differ by multiples of a quarter of an hour. */
const STEPS_S = [
  [6 * HOUR_S, 30],
  [60 * 24 * HOUR_S, 900],
  [Infinity, HOUR_S],
];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Intervals of peak hours between two instants, in epoch seconds. */
export function peakBands(config, from, to) {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: config.onPeakTimezone,
    weekday: 'short',
    hour: 'numeric',
    hourCycle: 'h23',
  });
  const [, step] = STEPS_S.find(([most]) => to - from <= most);
  const bands = [];
  for (let at = Math.floor(from / step) * step; at < to; at += step) {
    if (isPeak(config, clock, at)) {
      const end = Math.min(to, at + step);
      const last = bands.at(-1);
      if (last?.[1] === at) last[1] = end;
      else bands.push([Math.max(from, at), end]);
    }
  }
  return bands;
}

/** Peak hours that wrap around midnight belong to the weekday on which they begin. */
function isPeak({ onPeakWdayBegin, onPeakWdayEnd, onPeakHourBegin, onPeakHourEnd }, clock, at) {
  const parts = Object.fromEntries(clock.formatToParts(at * 1000).map(({ type, value }) => [type, value]));
  const hour = Number(parts.hour);
  if (!within(hour, onPeakHourBegin, onPeakHourEnd)) return false;
  const isAfterMidnight = onPeakHourBegin > onPeakHourEnd && hour <= onPeakHourEnd;
  const day = (DAYS.indexOf(parts.weekday) + (isAfterMidnight ? 6 : 0)) % 7;
  return within(day, onPeakWdayBegin, onPeakWdayEnd);
}

function within(value, begin, end) {
  return begin <= end ? value >= begin && value <= end : value >= begin || value <= end;
}
