import 'reflect-metadata';
import { tellParent } from '../support/processes/parent.js';
import type { RemoteCall } from '../support/processes/messages.js';
import type { ClosingPlan } from './plan.js';
import { RandomApp } from './random-app.js';

const plan = JSON.parse(process.env['CLOSING'] ?? '{}') as ClosingPlan;
let current: RandomApp | undefined;

const CALLS: Readonly<Record<string, (seed: number) => Promise<unknown>>> = {
  open: async (seed) => {
    current = new RandomApp(plan, seed);
    await current.open();
  },
  close: async () => current?.close(),
  describe: async () => current?.describe(),
  /** From now on signals close the app. */
  openForSignal: async (seed) => {
    current = new RandomApp(plan, seed);
    (await current.open()).enableShutdownHooks();
  },
  /** Nothing is left to do: the process has to end by itself. */
  end: async () => {
    setImmediate(() => process.disconnect());
  },
};

process.on('unhandledRejection', (error) => {
  tellParent({ log: `UNHANDLED ${error instanceof Error ? error.stack : String(error)}` });
});
process.on('message', ({ id, call, args }: RemoteCall) => {
  void CALLS[call]?.(Number(args[0])).then(
    (value) => tellParent({ id, value }),
    (error: unknown) => tellParent({ id, error: { name: 'Error', message: String(error) } }),
  );
});
tellParent({ ready: true });
