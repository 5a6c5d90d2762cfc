import type { EntityManager } from '@mikro-orm/core';

/** What a handler is thrown out with at the checkpoint where its process is to die. */
export class SimulatedCrash extends Error {
  constructor(readonly checkpoint: number) {
    super(`Crash after checkpoint ${checkpoint}`);
    this.name = 'SimulatedCrash';
  }
}

/** Writes of an entity manager after which the database has changed for good. */
const WRITES = [
  'flush',
  'persistAndFlush',
  'removeAndFlush',
  'insert',
  'insertMany',
  'upsert',
  'upsertMany',
  'nativeUpdate',
  'nativeDelete',
  'execute',
  'transactional',
  'commit',
] as const;

/** Counts checkpoints, and crashes at the chosen one; everything after it crashes too. */
export class CrashPlan {
  private passed = 0;

  constructor(private readonly at: number | null) {}

  get checkpoints(): number {
    return this.passed;
  }

  get crashed(): boolean {
    return this.at !== null && this.passed >= this.at;
  }

  /** Throws `SimulatedCrash` where the process is to die, or is dead. */
  checkpoint(): void {
    this.alive();
    this.passed++;
    this.alive();
  }

  /** Makes each write of the entity manager a checkpoint. */
  watch(em: EntityManager): EntityManager {
    for (const name of WRITES) {
      const write: unknown = Reflect.get(em, name);
      if (typeof write === 'function') {
        Object.defineProperty(em, name, {
          configurable: true,
          value: async (...args: unknown[]): Promise<unknown> => {
            this.alive();
            const answer: unknown = await Reflect.apply(write, em, args);
            this.checkpoint();
            return answer;
          },
        });
      }
    }
    return em;
  }

  private alive(): void {
    if (this.crashed) {
      throw new SimulatedCrash(this.passed);
    }
  }
}
