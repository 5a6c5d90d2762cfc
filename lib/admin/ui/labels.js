/** Labels and hints of the config's keys. */
export const LABELS = {
  perSecondOnPeak: ['Ranges/s on peak', 'Empty: unpaced; 0: starts none'],
  perSecondOffPeak: ['Ranges/s off peak', 'Empty: unpaced; 0: starts none'],
  batchSize: ['Batch size', 'Rows per range'],
  concurrency: ['Concurrency', 'Ranges at once per process; or bounds, as {"min": 1, "max": 32}'],
  rowConcurrency: ['Row concurrency', 'Rows at once per range; or bounds'],
  attempts: ['Attempts', 'Of a range or row before it counts as failed'],
  maxFailures: ['Max failures', 'A number or a percentage; empty: no limit'],
  maxInitialFailures: ['Max initial failures', 'Ranges that fail before any succeeds; empty: no limit'],
  onPeakTimezone: ['Peak time zone'],
  onPeakWdayBegin: ['Peak from'],
  onPeakWdayEnd: ['Peak to'],
  onPeakHourBegin: ['First peak hour'],
  onPeakHourEnd: ['Last peak hour'],
  duration: ['Planned ahead', 'Seconds of work'],
  maxOutstanding: ['Max outstanding', 'Ranges planned and not done'],
  backoffMs: ['Backoff', 'Milliseconds before the second attempt'],
  rowTimeoutMs: ['Row timeout', 'Milliseconds; empty: no limit'],
  rowAckMs: ['Row acknowledgement', 'Milliseconds between two of a range'],
  quota: ['Quota', 'Calls to a third party, as {"max": 50, "perMs": 1000}'],
  autoTune: ['Auto-tune', 'Batch size by speed, as {"targetMs": 500, "min": 10, "max": 1000}; empty: none'],
};
/** Fields that are not behind the disclosure. */
export const BASIC_FIELDS = 5;
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export const labelOf = (key) => LABELS[key]?.[0] ?? key;
