import type { EntityManager } from '@mikro-orm/core';
import { asPostgresManager, type SqlManager } from './sql-manager.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly Plans?: readonly PlanNode[];
}

/** The planner's estimate of a statement's rows and cost. Does not execute the statement. */
export async function estimateRows(
  em: SqlManager,
  statement: string,
): Promise<{ rows: number; cost: number }> {
  const plan = await explain(em, statement);
  return { rows: plan['Plan Rows'], cost: plan['Total Cost'] };
}

/**
 * Whether the plan of a statement contains a sort although sorts are discouraged: then no index provides its
 * order. The planner settings are local to a transaction. Without them a small table is scanned and sorted
 * even if it has the index.
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
    const plan = await explain(sql, statement);
    return flattenPlan(plan).some((node) => node['Node Type'] === 'Sort');
  });
}

/** All nodes of a plan, the root first. */
function flattenPlan(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flattenPlan)];
}

async function explain(em: SqlManager, statement: string): Promise<PlanNode> {
  const [row] = await em.execute(`explain (format json) ${statement}`);
  const json = row?.['QUERY PLAN'];
  const [{ Plan }] = (typeof json === 'string' ? JSON.parse(json) : json) as [{ Plan: PlanNode }];
  return Plan;
}
