import type { INestApplicationContext } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { SourceContext } from '../sources/backfill-source.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { WalkChecker } from '../supervision/walk.checker.js';

/** Runs that are looked at, newest first. */
const RUNS = 1000;

/**
 * Why the runs of a backfill have not covered every row of its source, where the newest is completed; empty when they
 * have. Rows that the app added after a run, beyond bounds that nobody asked for, are no part of it.
 */
export async function coverageProblems(
  app: INestApplicationContext,
  backfill: RegisteredBackfill,
  runId: string,
): Promise<string[]> {
  const runs = app.get(RunStore, { strict: false });
  const walks = app.get(WalkChecker, { strict: false });
  const context: SourceContext = {
    em: app.get(EntityManagers, { strict: false }).fork(backfill),
    backfill: backfill.name,
  };
  const newest = await runs.read(runId);
  if (!newest) {
    // Only the ledger has it.
    return [];
  }
  const changes = walks.rowChanges(backfill, newest);
  if (changes.length > 0) {
    return [`the source of its newest run had other rows: ${changes.join('; ')}`];
  }
  if (!isBounded(newest)) {
    return foundRows(newest) ? [] : missedRows(backfill, context);
  }
  const completed = await completedRuns(runs, backfill, newest);
  if (
    completed.some((run) => !isBounded(run) && foundRows(run) && walks.rowChanges(backfill, run).length === 0)
  ) {
    return [];
  }
  const comparable = completed.filter((run) => walks.difference(backfill, run) === null);
  return outsideOf(backfill, context, newest, comparable);
}

/** A run of nothing covers nothing. */
async function missedRows({ source }: RegisteredBackfill, context: SourceContext): Promise<string[]> {
  const { partitions, total } = await source.open(context, {});
  if (partitions.every(({ bounds }) => bounds === null) || (total.exact && total.rows === 0)) {
    return [];
  }
  return [`its newest run found no rows, and there are ${total.exact ? '' : 'about '}${total.rows} now`];
}

async function outsideOf(
  { source }: RegisteredBackfill,
  context: SourceContext,
  newest: RunRecord,
  runs: readonly RunRecord[],
): Promise<string[]> {
  if (!source.countOutside) {
    const bounds = [['from', newest.from] as const, ['to', newest.to] as const].filter(
      ([, at]) => at !== null,
    );
    return [
      `its newest run was bounded (${bounds.map((bound) => bound.join(' ')).join(', ')}): start one without bounds`,
    ];
  }
  const outside = await source.countOutside(
    context,
    runs.map(({ partitions, from, to }) => ({
      partitions: partitions ?? [],
      from: from !== null,
      to: to !== null,
    })),
  );
  return outside === 0
    ? []
    : [
        `${outside} ${outside === 1 ? 'row is' : 'rows are'} outside of the bounds that its runs were started with`,
      ];
}

/** The runs that covered their bounds with the handler of the newest run. */
async function completedRuns(
  runs: RunStore,
  { name }: RegisteredBackfill,
  { version, paramsDigest }: RunRecord,
): Promise<RunRecord[]> {
  const found: RunRecord[] = [];
  // An undo is newer than the run that it undoes, and comes first.
  const undone = new Set<string>();
  for (const id of await runs.ids(name, RUNS)) {
    const run = await runs.read(id);
    if (run?.undoes) {
      undone.add(run.undoes);
    } else if (
      !undone.has(id) &&
      run?.status === 'completed' &&
      !run.dryRun &&
      run.rowsMissing === 0 &&
      run.version === version &&
      run.paramsDigest === paramsDigest
    ) {
      found.push(run);
    }
  }
  return found;
}

function isBounded({ from, to }: RunRecord): boolean {
  return from !== null || to !== null;
}

function foundRows({ partitions, rowsTotal, rowsExact }: RunRecord): boolean {
  const hasBounds = partitions?.some(({ bounds }) => bounds !== null) ?? false;
  return hasBounds && !(rowsExact && rowsTotal === 0);
}
