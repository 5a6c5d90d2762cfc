import { AsyncLocalStorage } from 'node:async_hooks';
import { onFileFinished } from './release.js';

let isRecording = false;

/**
 * Disables what a file entered once it has finished. Node keeps every `AsyncLocalStorage` that was entered, and each
 * promise pays for each of them. A worker of Jest runs many files, and each loads the modules that have one anew.
 */
export function disableEnteredStorages(): void {
  if (isRecording) return;
  isRecording = true;
  const prototype: Pick<AsyncLocalStorage<unknown>, 'run'> = AsyncLocalStorage.prototype;
  const run = prototype.run;
  const entered = new Set<AsyncLocalStorage<unknown>>();
  prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: Parameters<typeof run>) {
    entered.add(this);
    return Reflect.apply(run, this, args);
  } as typeof run;
  onFileFinished(async () => {
    prototype.run = run;
    entered.forEach((storage) => storage.disable());
  });
}
