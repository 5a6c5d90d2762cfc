const STEP_S = 30;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Intervals of peak hours between two instants, in epoch seconds. */
export function peakBands(config, from, to) {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: config.onPeakTimezone,
    weekday: 'short',
    hour: 'numeric',
    hourCycle: 'h23',
  });
  const bands = [];
  for (let at = from; at < to; at += STEP_S) {
    if (isPeak(config, clock, at)) {
      const end = Math.min(to, at + STEP_S);
      const last = bands.at(-1);
      if (last?.[1] === at) last[1] = end;
      else bands.push([at, end]);
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
