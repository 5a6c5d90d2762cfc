import { countOf, nounFor } from '../../errors/count-of.js';
import type { ForecastRange } from '../../state/backfill-forecast.js';
import type { BackfillStatus } from '../../status/backfill-status.js';
import type { SampleConfidence } from '../../state/sample-confidence.js';
import { describeLimit } from '../../state/limiting-factor.js';
import { describeOverride } from '../../state/throttle-override.js';
import { outcomeLine } from './forecast-view.js';
import { firstLine, stateLine } from './state-line.js';
import { styledState } from './state-style.js';
import type { Style } from './style.js';
import { formatDuration, formatTime } from './time.js';

const BAR_WIDTH = 30;

/** Renders a status as lines of text. */
export function statusLines(status: BackfillStatus, style: Style): string[] {
  const { name, description, state, stateReason, runId, dryRun, undoes, params, lastError } = status;
  const title = [style('bold', name), styledState(state, style)];
  if (runId !== null) title.push(style('dim', `run ${runId}`));
  if (dryRun) title.push(style('yellow', 'dry run'));
  if (undoes !== null) title.push(style('yellow', `undoes run ${undoes}`));
  const happened = stateLine(status);
  if (stateReason !== null && happened === null) title.push(`(${stateReason})`);
  const lines = [title.join('  ')];
  if (happened !== null) lines.push(`  ${styledState(state, style, happened)}`);
  if (description !== null) lines.push(`  ${style('dim', description)}`);
  if (params !== null) lines.push(`  ${style('dim', `parameters ${JSON.stringify(params)}`)}`);
  if (state !== 'idle') lines.push(...progressLines(status, style));
  lines.push(...status.overrides.map((it) => `  ${style('yellow', `throttle ${describeOverride(it)}`)}`));
  lines.push(...status.warnings.map((warning) => `  ${style('yellow', `warning: ${warning}`)}`));
  if (lastError !== null) {
    const text = `last error at ${formatTime(lastError.at)}: ${lastError.name}: ${firstLine(lastError.message)}`;
    lines.push(`  ${style('red', text)}`);
  }
  return lines;
}

function progressLines(status: BackfillStatus, style: Style): string[] {
  return [
    `  ${barText(status, style)} ${status.percent.toFixed(1)} %  ${rowsText(status)}`,
    `  ${rangesText(status)}`,
    ...canaryLines(status),
    ...conflictLines(status),
    ...(status.forecast === null ? [] : [`  ${outcomeLine(status.forecast, status.finishedAt !== null)}`]),
    ...verifiedLines(status),
    ...partitionLines(status),
    ...(status.finishedAt === null ? activeLines(status, style) : []),
  ];
}

function barText({ percent }: BackfillStatus, style: Style): string {
  const filled = Math.round((percent / 100) * BAR_WIDTH);
  return style('green', '█'.repeat(filled)) + style('dim', '░'.repeat(BAR_WIDTH - filled));
}

function rowsText({ rowsDone, rowsTotal, rowsTotalKind }: BackfillStatus): string {
  const about = rowsTotalKind === 'exact' ? '' : 'about ';
  const total = rowsTotal === null ? '' : ` of ${about}${formatNumber(rowsTotal)}`;
  return `${formatNumber(rowsDone)}${total} ${nounFor(rowsTotal ?? rowsDone, 'row')}`;
}

function rangesText(status: BackfillStatus): string {
  const { done, outstanding, failed, rowsFailed, rowsMissing, rowsRechecked } = status;
  const ranges = `ranges: ${formatNumber(done)} done, ${formatNumber(outstanding)} outstanding, ${formatNumber(failed)} failed`;
  const failedText = rowsFailed > 0 ? `; ${countOf(rowsFailed, 'row')} failed` : '';
  const missingText = rowsMissing > 0 ? `; ${countOf(rowsMissing, 'row')} missing` : '';
  const recheckedText = rowsRechecked > 0 ? `; rows handled again: ${formatNumber(rowsRechecked)}` : '';
  return `${ranges}${failedText}${missingText}${recheckedText}`;
}

/** More partitions than this would hide what follows them. */
const SHOWN_PARTITIONS = 20;

function partitionLines({ partitions }: BackfillStatus): string[] {
  const shown = partitions.slice(0, SHOWN_PARTITIONS).map(({ name, cursor, rows, rowsTotal, ...rest }) => {
    const percent = rest.percent === null ? '? %' : `${rest.percent.toFixed(1)} %`;
    const total = rowsTotal === null ? '' : ` of ${formatNumber(rowsTotal)}`;
    const done = rows === null ? '' : `, ${formatNumber(rows)}${total} ${nounFor(rowsTotal ?? rows, 'row')}`;
    const speed = rest.rowsPerSecond === null ? '' : `, ${countOf(rest.rowsPerSecond, 'row')}/s`;
    const where = cursor === null ? 'at its beginning' : `cursor ${JSON.stringify(cursor)}`;
    const state =
      rest.state === undefined ? '' : `${rest.state}${rest.held ? ` (held: ${rest.held.reason})` : ''}, `;
    return `  partition ${name}: ${state}${percent}${done}${speed}, ${where}`;
  });
  const hidden = partitions.length - shown.length;
  return hidden > 0 ? [...shown, `  and ${countOf(hidden, 'partition')} more`] : shown;
}

function canaryLines({ canary, forecast }: BackfillStatus): string[] {
  if (!canary) return [];
  const { rows, maxFailures, handedOut, verdict } = canary;
  if (!verdict) {
    const out = `${formatNumber(handedOut)} of ${countOf(rows, 'row')} handed out`;
    return [`  canary: ${out}, passes with at most ${countOf(maxFailures, 'failure')}`];
  }
  const { reason, rowsRepeated, rowsRechecked, throttles, durationMs, msPerRow, verified } = verdict;
  const details = [
    `took ${formatDuration(durationMs)}`,
    ...(msPerRow === null ? [] : [`${msPerRow} ms a row${forecastText(forecast?.forecast.msPerRow)}`]),
    `rows claimed again: ${formatNumber(rowsRepeated)}`,
    ...(rowsRechecked > 0 ? [`handled again for writes of others: ${formatNumber(rowsRechecked)}`] : []),
    ...(throttles > 0 ? [`held or slowed down: ${formatNumber(throttles)}`] : []),
    ...(verified
      ? [`${formatNumber(verified.mismatched)} of ${formatNumber(verified.sampled)} verified rows wrong`]
      : []),
  ];
  return [`  ${reason}`, `    ${details.join(', ')}`];
}

function conflictLines({ conflicts, name, runId }: BackfillStatus): string[] {
  return conflicts === 0
    ? []
    : [`  ${countOf(conflicts, 'row')} left unchanged: conflicts ${name} --run ${runId}`];
}

function forecastText(range: ForecastRange | null | undefined): string {
  return range ? ` (forecast: ${range.low} to ${range.high})` : '';
}

function verifiedLines({ verified }: BackfillStatus): string[] {
  if (!verified) return [];
  const { left, swept, sampled, mismatched, confidence } = verified;
  const counted = left === null ? 'not counted yet' : `${countOf(left, 'row')} left`;
  const swepts = left === null && sampled > 0 ? [] : [counted, `${formatNumber(swept)} swept`];
  const sample = confidence
    ? [
        `${formatNumber(mismatched)} of ${formatNumber(sampled)} sampled rows wrong (${shareText(confidence)})`,
      ]
    : [];
  return [`  verified: ${[...swepts, ...sample].join(', ')}`];
}

function shareText({ level, low, high }: SampleConfidence): string {
  const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;
  const range = low === 0 ? `fewer than ${percent(high)}` : `${percent(low)} to ${percent(high)}`;
  return `${range} of all rows, at ${percent(level)} confidence`;
}

function activeLines(status: BackfillStatus, style: Style): string[] {
  const { rate, rangesPerSecond, rowsPerSecond, workers, eta, now } = status;
  const limit = rate.perSecond === null ? 'unpaced' : `${rate.perSecond}/s`;
  const speed = `${countOf(rangesPerSecond, 'range')}/s, ${countOf(rowsPerSecond, 'row')}/s`;
  return [
    `  rate ${limit} (${rate.reason}); now ${speed}; ${countOf(workers, 'worker process')}`,
    ...concurrencyLines(status),
    eta === null
      ? '  ETA unknown'
      : `  ETA ${formatTime(eta)}, in ${formatDuration(Date.parse(eta) - Date.parse(now))}`,
    ...finishByLines(status, style),
  ];
}

function finishByLines({ finishBy, late }: BackfillStatus, style: Style): string[] {
  if (finishBy === null) return [];
  if (late === null) return [`  should end by ${formatTime(finishBy)}`];
  const limit = late.limitedBy === null ? '' : `: ${describeLimit(late.limitedBy)}`;
  const end = `at least ${formatDuration(late.by)} later than ${formatTime(finishBy)}`;
  return [`  ${style('yellow', `late: ends ${end}${limit}`)}`];
}

function concurrencyLines({ concurrency }: BackfillStatus): string[] {
  if (concurrency === null) return [];
  const { unit, value, min, max, reason } = concurrency;
  return [`  concurrency ${value} ${unit} at once in each process, of ${min} to ${max} (${reason})`];
}

function formatNumber(value: number): string {
  return value.toLocaleString('en-US');
}
