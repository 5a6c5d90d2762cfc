import { BACKFILL_METADATA } from '../handlers/backfill.decorator.js';
import type { BackfillOptions } from '../handlers/backfill.decorator.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { nameFromClass } from '../handlers/backfill-name.js';
import { shapeOf } from '../handlers/handler-shape.js';
import type { AnyHandler, RegisteredBackfill } from '../handlers/registered-backfill.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import type { CrashPlan } from './crash.js';

/** Describes a handler as the app would, with its rows as checkpoints. */
export function describeHandler(handler: object, plan: () => CrashPlan): RegisteredBackfill {
  const { constructor } = handler;
  const options = Reflect.getMetadata(BACKFILL_METADATA, constructor) as BackfillOptions | undefined;
  if (options === undefined) {
    throw new BackfillDefinitionError(
      `Expected an instance of a class with @Backfill, got one of ${constructor.name}.`,
    );
  }
  const name = options.name ?? nameFromClass(constructor.name);
  return {
    ...UNTHROTTLED,
    name,
    description: options.description ?? null,
    version: options.version ?? null,
    className: constructor.name,
    source: options.source,
    shape: shapeOf(handler, constructor.name),
    defaults: [parseConfigPatch(options.config ?? {}, { backfill: name, origin: 'decorator' })],
    resolve: async () => withCheckpoints(handler, plan()),
  };
}

/** Nothing waits in a test. */
const UNTHROTTLED = { throttles: [] } as const;

const METHODS = new Set(['processRange', 'processBatch', 'processRow']);

function withCheckpoints(handler: object, plan: CrashPlan): AnyHandler {
  return new Proxy(handler, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') {
        return value;
      }
      if (!METHODS.has(String(key))) {
        return value.bind(target) as unknown;
      }
      return async (...args: unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(value, target, args);
        plan.checkpoint();
        return answer;
      };
    },
  }) as AnyHandler;
}
