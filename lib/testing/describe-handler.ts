import { parseHandlerVersion } from '../config/handler-version.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BACKFILL_METADATA } from '../handlers/backfill.decorator.js';
import type { BackfillOptions } from '../handlers/backfill.decorator.js';
import { nameFromClass } from '../handlers/backfill-name.js';
import { declareMask } from '../handlers/declare-mask.js';
import { declareParams } from '../handlers/declare-params.js';
import { shapeOf } from '../handlers/handler-shape.js';
import { parseGuard } from '../handlers/parse-guard.js';
import type { AnyHandler, DeclaredBackfill } from '../handlers/registered-backfill.js';
import type { CrashInjector } from './crash.injector.js';

const HANDLER_METHODS = new Set(['processRange', 'processBatch', 'processRow']);

/**
 * Builds the registry entry of a handler as the explorer of the module does, without throttles, and makes
 * each completed call of the handler a checkpoint.
 *
 * @param injector returns the injector of the current run
 * @throws BackfillDefinitionError when the class has no `@Backfill`, not exactly one handler method, or an invalid guard
 */
export function describeHandler(handler: object, injector: () => CrashInjector): DeclaredBackfill {
  const { constructor } = handler;
  const options = Reflect.getMetadata(BACKFILL_METADATA, constructor) as BackfillOptions | undefined;
  if (options === undefined) {
    throw new BackfillDefinitionError(
      `Expected an instance of a class with @Backfill, got one of ${constructor.name}.`,
    );
  }
  const name = options.name ?? nameFromClass(constructor.name);
  const shape = shapeOf(handler, constructor.name);
  return {
    name,
    description: options.description ?? null,
    ...parseHandlerVersion(name, options),
    className: constructor.name,
    ...declareParams(options, shape, name),
    shape,
    guard: parseGuard(options.guard, name),
    mask: declareMask(options.rehearsal, name),
    defaults: [parseConfigPatch(options.config ?? {}, { backfill: name, origin: 'decorator' })],
    throttles: [],
    resolve: async () => withCheckpoints(handler, injector()),
  };
}

function withCheckpoints(handler: object, injector: CrashInjector): AnyHandler {
  return new Proxy(handler, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') {
        return value;
      }
      if (!HANDLER_METHODS.has(String(key))) {
        return value.bind(target) as unknown;
      }
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, args);
        injector.checkpoint();
        return result;
      };
    },
  }) as AnyHandler;
}
