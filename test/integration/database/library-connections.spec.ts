import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'scoped-items';

async function runInAnAppOfItsOwn(): Promise<void> {
  const handler = defineBackfill({ name: NAME, source: numbers(20), processRange: () => {} });
  const app = await bench.start({ handlers: [handler] });
  await app.backfills.start(NAME);
  await app.finished(NAME);
  await app.close();
}

describe('the scope of the library', () => {
  it('is the same for every app of a process, as each one that was ever entered slows every promise down', async () => {
    const entered = jest.spyOn(AsyncLocalStorage.prototype, 'run');
    await runInAnAppOfItsOwn();
    const ofTheFirst = new Set(entered.mock.contexts);
    expect(ofTheFirst.size).toBeGreaterThan(0);

    await runInAnAppOfItsOwn();
    expect(new Set(entered.mock.contexts).size).toBe(ofTheFirst.size);
    entered.mockRestore();
  });
});
