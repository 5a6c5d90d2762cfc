import type { BackfillStatus } from '../../state/backfill-status.js';
import { styledState } from './state-style.js';
import type { Style } from './style.js';
import { duration, moment } from './time.js';

const BAR = 30;

/** A status as a person reads it, in a few lines. */
export function statusLines(status: BackfillStatus, style: Style, now: number): string[] {
  const { name, description, state, stateReason, runId, dryRun } = status;
  const title = [style('bold', name), styledState(state, style)];
  if (runId !== null) title.push(style('dim', `run ${runId}`));
  if (dryRun) title.push(style('yellow', 'dry run'));
  if (stateReason !== null) title.push(`(${stateReason})`);
  const lines = [title.join('  ')];
  if (description !== null) lines.push(`  ${style('dim', description)}`);
  if (state !== 'idle') lines.push(...progressLines(status, style, now));
  lines.push(...status.warnings.map((warning) => `  ${style('yellow', `warning: ${warning}`)}`));
  const { lastError } = status;
  if (lastError !== null) {
    lines.push(
      `  ${style('red', `last error at ${moment(lastError.at)}: ${lastError.name}: ${firstLine(lastError.message)}`)}`,
    );
  }
  return lines;
}

function progressLines(status: BackfillStatus, style: Style, now: number): string[] {
  const filled = Math.round((status.percent / 100) * BAR);
  const bar = style('green', '█'.repeat(filled)) + style('dim', '░'.repeat(BAR - filled));
  const total =
    status.rowsTotal === null
      ? ''
      : ` of ${status.rowsTotalKind === 'exact' ? '' : 'about '}${number(status.rowsTotal)}`;
  const lines = [
    `  ${bar} ${status.percent.toFixed(1)} %  ${number(status.rowsDone)}${total} rows`,
    `  ranges: ${number(status.done)} done, ${number(status.outstanding)} outstanding, ${number(status.failed)} failed` +
      (status.rowsFailed > 0 ? `; ${number(status.rowsFailed)} rows failed` : ''),
  ];
  if (status.finishedAt !== null) {
    const took = status.startedAt === null ? 0 : Date.parse(status.finishedAt) - Date.parse(status.startedAt);
    lines.push(`  finished at ${moment(status.finishedAt)} after ${duration(took)}`);
  } else {
    lines.push(
      `  rate ${rateText(status)}; now ${status.rangesPerSecond} ranges/s, ${status.rowsPerSecond} rows/s; ` +
        `${status.workers} ${status.workers === 1 ? 'process works' : 'processes work'}`,
      `  ${etaText(status.eta, now)}`,
    );
  }
  return lines;
}

function rateText({ rate }: BackfillStatus): string {
  return `${rate.perSecond === null ? 'unpaced' : `${rate.perSecond}/s`} (${rate.reason})`;
}

function etaText(eta: string | null, now: number): string {
  return eta === null ? 'ETA not known' : `ETA ${moment(eta)}, in ${duration(Date.parse(eta) - now)}`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
