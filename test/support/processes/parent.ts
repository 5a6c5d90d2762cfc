import type { RemoteCall, RemoteReport } from './messages.js';

/** Says something to the process that forked this one. */
export function tellParent(report: RemoteReport): void {
  process.send?.(report);
}

/** Answers the calls of the process that forked this one, and ends with it. */
export function answerParent(answer: (call: string, args: readonly unknown[]) => unknown): void {
  if (!process.connected) {
    process.exit(1);
  }
  process.on('disconnect', () => process.exit(1));
  process.on('message', ({ id, call, args }: RemoteCall) => {
    void (async () => {
      try {
        tellParent({ id, value: await answer(call, args) });
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        tellParent({ id, error: { name, message } });
      }
    })();
  });
  tellParent({ ready: true });
}
