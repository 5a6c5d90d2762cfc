import type { FailurePage } from '../../state/backfill-failure.js';
import type { FailureGroups } from '../../state/failure-group.js';
import type { RetryReceipt } from '../../state/run-actions.js';
import type { Style } from './style.js';
import { table } from './table.js';
import { formatTime } from './time.js';

/** @param stack whether the stack of each error follows */
export function failureTable(page: FailurePage, style: Style, stack: boolean): string {
  const more = page.next === null ? [] : [style('dim', `next page: --after ${page.next}`)];
  if (page.items.length === 0) {
    return ['No failures.', ...more].join('\n');
  }
  const rows = page.items.map(({ id, kind, key, error, attempts, failedAt }) => [
    id,
    kind,
    typeof key === 'string' ? key : JSON.stringify(key),
    attempts,
    formatTime(failedAt),
    `${error.name}: ${firstLine(error.message)}`,
  ]);
  const stacks = stack ? page.items.map(({ id, error }) => `\n${id}\n${error.stack ?? error.message}`) : [];
  return [
    table(['id', 'kind', 'key', 'attempts', 'failed at', 'error'], rows, style),
    ...stacks,
    ...more,
  ].join('\n');
}

export function failureGroupTable({ total, groups }: FailureGroups, style: Style): string {
  if (groups.length === 0) {
    return 'No failures.';
  }
  const rows = groups.map(({ id, error, message, count, firstAt, lastAt }) => [
    id,
    count,
    formatTime(firstAt),
    formatTime(lastAt),
    `${error}: ${firstLine(message)}`,
  ]);
  return [
    table(['group', 'failures', 'first at', 'last at', 'error'], rows, style),
    style('dim', `${total} in all; one group: failures --group, retry --group`),
  ].join('\n');
}

/** @param group the group of which failures were to be retried */
export function retryText(
  { retried, runId, state, unknownIds }: RetryReceipt,
  style: Style,
  group: string | undefined,
): string {
  const receipt = `${retried} requeued in run ${runId}, which is ${state}`;
  if (unknownIds.length > 0) {
    const ids = `${unknownIds.length === 1 ? 'id' : 'ids'} ${unknownIds.join(', ')}`;
    return `${receipt}\n${style('red', `No failure of the run has the ${ids}: see the command failures for those that it has`)}`;
  }
  if (group !== undefined && retried === 0) {
    return `${receipt}\n${style('red', `No failure of the run is in the group ${group}: see the command failures --groups for those that it has`)}`;
  }
  return receipt;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}
