import type { Finding } from './benchmark.js';

const HEAD = ['', 'ours', 'other', 'unit', 'ratio', 'spread', 'target', 'met', ''];

/** A table for the console. */
export function describeFindings(findings: readonly Finding[]): string {
  return alignColumns([
    HEAD,
    ...findings.map(({ name, ours, other, unit, ratio, spread, target, met, note }) => [
      name,
      figure(ours),
      other === null ? '-' : figure(other),
      unit,
      ratio === null ? '-' : ratio.toFixed(3),
      spread === null ? '-' : `${(spread * 100).toFixed(1)} %`,
      target,
      met ? 'yes' : 'NO',
      note ?? '',
    ]),
  ]);
}

/** Lines whose cells stand below each other. */
export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) => `  ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

export function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(4);
}
