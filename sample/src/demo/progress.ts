import type { BackfillStatus } from 'nestjs-backfill';

const BAR = 24;
const REWRITE_MS = 100;
const LINE_MS = 1_000;
const SPEED_OVER_MS = 2_000;

/** Shows how a backfill gets on: one line that is rewritten on a terminal, else a line a second. */
export class Progress {
  private readonly moments: { at: number; rows: number }[] = [];
  private shownAt = 0;

  constructor(private readonly out: NodeJS.WriteStream) {}

  show(status: BackfillStatus): void {
    const now = performance.now();
    this.moments.push({ at: now, rows: status.rowsDone });
    while ((this.moments[0]?.at ?? now) < now - SPEED_OVER_MS) {
      this.moments.shift();
    }
    const over = status.finishedAt !== null;
    if (!over && now - this.shownAt < (this.out.isTTY ? REWRITE_MS : LINE_MS)) {
      return;
    }
    this.shownAt = now;
    const line = lineOf(status, this.speed());
    if (this.out.isTTY) {
      this.out.write(`\r\x1b[2K${line.slice(0, this.out.columns - 1)}${over ? '\n' : ''}`);
    } else {
      this.out.write(`${line}\n`);
    }
  }

  /** Says what happens now, above the line. */
  say(text: string): void {
    this.out.write(`${this.out.isTTY ? '\r\x1b[2K' : ''}  ${text}\n`);
    this.shownAt = 0;
  }

  private speed(): number {
    const [first] = this.moments;
    const last = this.moments.at(-1);
    return first && last && last.at > first.at ? (1000 * (last.rows - first.rows)) / (last.at - first.at) : 0;
  }
}

function lineOf(status: BackfillStatus, speed: number): string {
  const { name, state, percent, rowsDone, rowsTotal, rate, failed, rowsFailed, outstanding } = status;
  const full = Math.floor((percent / 100) * BAR);
  const parts = [
    `${name.padEnd(18)} ${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${percent.toFixed(1).padStart(5)} %`,
    `${grouped(rowsDone)}/${grouped(rowsTotal ?? 0)} rows`,
  ];
  if (state === 'running') {
    const limit = rate.perSecond === null ? 'unpaced' : `limit ${grouped(rate.perSecond)} ranges/s`;
    parts.push(`${grouped(Math.round(speed))} rows/s`, limit);
  } else {
    parts.push(state);
  }
  parts.push(`${outstanding} outstanding`);
  if (failed + rowsFailed > 0) {
    parts.push(`${grouped(rowsFailed)} rows failed`);
  }
  return parts.join('  ');
}

export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
