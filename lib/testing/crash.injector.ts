import type { EntityManager } from '@mikro-orm/core';

/** Thrown into the handler at and after the checkpoint at which the process is assumed to be killed. */
export class SimulatedCrash extends Error {
  constructor(readonly checkpoint: number) {
    super(`Simulated crash after checkpoint ${checkpoint}`);
    this.name = 'SimulatedCrash';
  }
}

/** Methods of an entity manager that write to the database. */
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

/**
 * Counts checkpoints and simulates a crash at one of them. A killed process executes nothing more, so every
 * later checkpoint and write throws as well.
 */
export class CrashInjector {
  private passed = 0;

  /** @param crashAt number of the checkpoint to crash at, from 1 on; `null`: none */
  constructor(private readonly crashAt: number | null) {}

  get checkpoints(): number {
    return this.passed;
  }

  get crashed(): boolean {
    return this.crashAt !== null && this.passed >= this.crashAt;
  }

  /** Passes a checkpoint; throws `SimulatedCrash` at and after the chosen one. */
  checkpoint(): void {
    this.throwIfCrashed();
    this.passed++;
    this.throwIfCrashed();
  }

  /** Makes each completed write of the entity manager a checkpoint. */
  instrument(em: EntityManager): EntityManager {
    for (const name of WRITES) {
      const write: unknown = Reflect.get(em, name);
      if (typeof write === 'function') {
        Object.defineProperty(em, name, {
          configurable: true,
          value: async (...args: unknown[]): Promise<unknown> => {
            this.throwIfCrashed();
            const result: unknown = await Reflect.apply(write, em, args);
            this.checkpoint();
            return result;
          },
        });
      }
    }
    return em;
  }

  private throwIfCrashed(): void {
    if (this.crashed) {
      throw new SimulatedCrash(this.passed);
    }
  }
}
