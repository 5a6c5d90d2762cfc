import type { RowSettings } from './execution.js';

/** What `context.quota` is called with: calls of the quota of the backfill, or a name of the budget and calls. */
export type QuotaArguments = [nameOrCalls?: string | number, calls?: number];

/** The third party and the number of calls; `null`: the quota of the backfill. */
export function parseCalls([first, second]: QuotaArguments): {
  readonly name: string | null;
  readonly calls: number;
} {
  return typeof first === 'string' ? { name: first, calls: second ?? 1 } : { name: null, calls: first ?? 1 };
}

/** Acquires calls one by one. */
export async function acquireCalls(
  { acquireQuota }: Pick<RowSettings, 'acquireQuota'>,
  signal: AbortSignal,
  name: string | null,
  calls: number,
): Promise<void> {
  for (let i = 0; i < calls; i++) {
    await acquireQuota(signal, name);
  }
}
