import 'reflect-metadata';
import { answerParent, tellParent } from '../support/processes/index.js';
import type { BenchPlan, Role } from './bench-plan.js';

const plan = JSON.parse(process.env['BENCH'] ?? '{}') as BenchPlan;
process.on('unhandledRejection', (error) => {
  tellParent({ log: `UNHANDLED ${error instanceof Error ? error.stack : String(error)}` });
});
const module = (await import(`./roles/${plan.role}.role.js`)) as {
  open: (this: void, plan: BenchPlan) => Promise<Role>;
};
const role = await module.open(plan);

answerParent((call, args) => {
  const method = role[call];
  if (!method) {
    throw new Error(`Expected a method of the role ${plan.role}, got ${call}`);
  }
  return (method as (...args: readonly unknown[]) => unknown)(...args);
});
