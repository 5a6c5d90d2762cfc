import { Inject, Injectable } from '@nestjs/common';
import { resolveBudget } from '../../config/backfill-budget.js';
import type { BudgetLimits } from '../../config/backfill-budget.js';
import { BudgetStore } from '../../config/budget.store.js';
import { RESOLVED_OPTIONS } from '../../config/module-options.js';
import type { ResolvedModuleOptions } from '../../config/module-options.js';

/** The budget as this process last read it: claims and calls need it at once. */
@Injectable()
export class CurrentBudget {
  private inForce: BudgetLimits;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly store: BudgetStore,
    @Inject(RESOLVED_OPTIONS) { budget }: ResolvedModuleOptions,
  ) {
    this.inForce = resolveBudget(budget);
  }

  get limits(): BudgetLimits {
    return this.inForce;
  }

  get context(): string {
    return this.store.context;
  }

  /** Reads the budget anew. */
  async refresh(): Promise<void> {
    const { limits } = await this.store.read();
    if (JSON.stringify(limits) !== JSON.stringify(this.inForce)) {
      this.inForce = limits;
      this.listeners.forEach((listener) => listener());
    }
  }

  /** Calls a function after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
