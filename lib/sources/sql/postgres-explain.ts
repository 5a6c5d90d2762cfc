import type { EntityManager } from '@mikro-orm/core';
import { asPostgresManager, type SqlManager } from './sql-manager.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly Plans?: readonly PlanNode[];
}

/** How many rows PostgreSQL expects a statement to answer, and at what cost, from its statistics alone. */
export async function estimateRows(
  em: SqlManager,
  statement: string,
): Promise<{ rows: number; cost: number }> {
  const plan = await planOf(em, statement);
  return { rows: plan['Plan Rows'], cost: plan['Total Cost'] };
}

/**
 * Whether PostgreSQL has to sort for a statement even where it would rather not. Asked in a transaction of
 * its own: without its settings a small table is sorted, index or not.
 *
 * @internal
 */
export async function requiresSort(em: EntityManager, statement: string): Promise<boolean> {
  return em.fork().transactional(async (inner) => {
    const sql = asPostgresManager(inner);
    if (!sql) throw new TypeError('Expected an entity manager for PostgreSQL');
    for (const setting of ['enable_seqscan', 'enable_bitmapscan', 'enable_sort']) {
      await sql.execute(`set local ${setting} = off`);
    }
    const plan = await planOf(sql, statement);
    return nodesOf(plan).some((node) => node['Node Type'] === 'Sort');
  });
}

/** The plan's nodes, the root first. */
export function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

async function planOf(em: SqlManager, statement: string): Promise<PlanNode> {
  const [row] = await em.execute(`explain (format json) ${statement}`);
  const answer = row?.['QUERY PLAN'];
  const [{ Plan }] = (typeof answer === 'string' ? JSON.parse(answer) : answer) as [{ Plan: PlanNode }];
  return Plan;
}
