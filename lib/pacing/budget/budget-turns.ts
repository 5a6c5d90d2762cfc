import { Injectable } from '@nestjs/common';

/** Wakes the run of this process whose turn is next, so that a place in the budget is not left free until it asks again. */
@Injectable()
export class BudgetTurns {
  private readonly waiting = new Map<string, () => void>();

  /** @param wake has a run ask for its place now */
  register(runId: string, wake: () => void): void {
    this.waiting.set(runId, wake);
  }

  unregister(runId: string, wake: () => void): void {
    if (this.waiting.get(runId) === wake) {
      this.waiting.delete(runId);
    }
  }

  wake(runId: string): void {
    this.waiting.get(runId)?.();
  }
}
