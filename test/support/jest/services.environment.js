import MainContextEnvironment from './main-context.environment.js';

/**
 * Releases what a file took from the servers after the last of its hooks has run, wherever the file
 * declares them, and fails the file when a release finds a leak.
 */
export default class ServicesEnvironment extends MainContextEnvironment {
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
}
