import { AsyncLocalStorage } from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';
import './code-cache.js';

const run = Reflect.get(AsyncLocalStorage.prototype, 'run');

/**
 * Releases what a file took from the servers after the last of its hooks has run, wherever the file
 * declares them, and fails the file when a release finds a leak.
 *
 * Disables the instances of `AsyncLocalStorage` that the file entered: Node 20 keeps each of them, every promise of the
 * process pays for each, and every file loads the modules that have one anew.
 */
export default class ServicesEnvironment extends TestEnvironment {
  entered = new Set();

  async setup() {
    await super.setup();
    const { entered } = this;
    AsyncLocalStorage.prototype.run = function (...args) {
      entered.add(this);
      return Reflect.apply(run, this, args);
    };
  }

  async handleTestEvent(event, state) {
    if (event.name !== 'run_finish') {
      return;
    }
    const releases = this.global[Symbol.for('nestjs-backfill.test.releases')] ?? [];
    for (const release of releases.toReversed()) {
      try {
        await release();
      } catch (error) {
        state.unhandledErrors.push(error);
      }
    }
  }

  async teardown() {
    AsyncLocalStorage.prototype.run = run;
    this.entered.forEach((storage) => storage.disable());
    await super.teardown();
  }
}
