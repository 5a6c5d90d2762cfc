import type { LoadSignals } from './load-signals.js';

/** Merges the reports of the processes, as `report-load.lua` has them: `epoch ms|latency|used slots`. */
export function mergeReports(
  reports: readonly string[],
): Pick<LoadSignals, 'latencyMs' | 'used' | 'processes'> {
  const parsed = reports.map((report) => {
    const [, latency = '', used = ''] = report.split('|');
    return { latencyMs: latency === '' ? null : Number(latency), used: Number(used) };
  });
  const latencies = parsed.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  return {
    latencyMs: latencies.length === 0 ? null : mean(latencies),
    used: parsed.length === 0 ? 0 : mean(parsed.map(({ used }) => used)),
    processes: parsed.length,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
