/** Speeds are averages over so many samples. */
const SMOOTHED = 5;
/** Samples come once a second, thinned out as they age: a distance beyond these bounds is a gap. */
const GAP_S = 5;
const GAP_FACTOR = 4;

/**
 * Turns samples, oldest first, into columns: epoch seconds, ranges a second, configured rate, concurrency where it
 * is being found. Where nothing was measured there is a `null`, which the chart draws as a gap.
 */
export function seriesOf(samples) {
  const columns = [[], [], [], []];
  let start = 0;
  let spacing = Infinity;
  samples.forEach((sample, index) => {
    const previous = samples[index - 1];
    if (!previous) return;
    const seconds = (sample.at - previous.at) / 1000;
    // Another run starts from zero.
    if (seconds > Math.max(GAP_S, GAP_FACTOR * spacing) || sample.done < previous.done) {
      add(columns, previous.at / 1000 + 0.5, null, null, null);
      start = index;
      return;
    }
    spacing = seconds;
    const before = samples[Math.max(start, index - SMOOTHED)];
    const speed = (sample.done - before.done) / ((sample.at - before.at) / 1000);
    if (sample.at > before.at)
      add(columns, sample.at / 1000, speed, sample.perSecond, sample.concurrency ?? null);
  });
  return columns;
}

function add(columns, ...values) {
  values.forEach((value, i) => columns[i].push(value));
}
