import { Inject, Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModuleRef } from '@nestjs/core';
import { parseHandlerVersion } from '../config/handler-version.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { BACKFILL_METADATA } from './backfill.decorator.js';
import type { BackfillOptions } from './backfill.decorator.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { describeValue } from '../errors/describe-value.js';
import { DATABASE_CONTEXT, RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { declareMask } from './declare-mask.js';
import { declareParams } from './declare-params.js';
import { inDatabases } from './in-databases.js';
import { parseContextName } from './parse-context-name.js';
import { parseGuard } from './parse-guard.js';
import { parseUndo } from './parse-undo.js';
import { parseWeight } from './parse-weight.js';
import { isValidName, NAME_RULE, nameFromClass } from './backfill-name.js';
import { shapeOf } from './handler-shape.js';
import type { AnyHandler, DeclaredBackfill } from './registered-backfill.js';
import { parseBackfillVerify } from '../config/verify-options.js';
import type { BackfillVerifyOptions, VerifyOptions } from '../config/verify-options.js';

type Provider = ReturnType<DiscoveryService['getProviders']>[number];
type HandlerClass = abstract new (...args: never[]) => object;

/** Discovers the handlers among the providers of all modules. */
@Injectable()
export class BackfillExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Inject(DATABASE_CONTEXT) private readonly moduleContext: string,
  ) {}

  /** Throws `BackfillDefinitionError` that names the class, what was expected and what was found. */
  explore(): DeclaredBackfill[] {
    const found = new Map<string, DeclaredBackfill>();
    const owners = new Map<string, HandlerClass>();
    for (const provider of this.discovery.getProviders()) {
      const handler = handlerClass(provider);
      if (!handler) {
        continue;
      }
      for (const backfill of inDatabases(this.describe(provider, handler), this.moduleContext)) {
        assertOnlyOwner(backfill.name, handler, owners);
        // It stands for all of its partitions.
        assertOnlyOwner(backfill.group ?? backfill.name, handler, owners);
        found.set(backfill.name, found.get(backfill.name) ?? backfill);
      }
    }
    return [...found.values()];
  }

  /** The context of the module is the same, named or not. */
  private contextOf(contextName: unknown, name: string): string | undefined {
    const parsed = parseContextName(contextName, name);
    return parsed === this.moduleContext ? undefined : parsed;
  }

  private describe(provider: Provider, handler: HandlerClass): DeclaredBackfill {
    const options = Reflect.getMetadata(BACKFILL_METADATA, handler) as BackfillOptions;
    const name = options.name ?? nameFromClass(handler.name);
    if (typeof name !== 'string' || !isValidName(name)) {
      throw new BackfillDefinitionError(
        `The name of backfill ${handler.name} must match ${NAME_RULE}, got ${JSON.stringify(name)}. ` +
          `Write @Backfill({ name: '...' }).`,
      );
    }
    const implementation = existingInstance(provider) ?? (handler.prototype as object);
    const shape = shapeOf(implementation, handler.name);
    const verify = verifyOf(options.verify, name);
    return {
      name,
      description: options.description ?? null,
      ...parseHandlerVersion(name, options),
      className: handler.name,
      contextName: this.contextOf(options.contextName, name),
      ...declareParams(options, shape, name),
      shape,
      weight: parseWeight(options.weight, name),
      guard: parseGuard(options.guard, name),
      undo: parseUndo(options.undo, name),
      throttles: options.throttles ?? [],
      mask: declareMask(options.rehearsal, name),
      verify: withoutRow(verify),
      verifyRow: verify?.row?.bind(verify),
      verifiesRows:
        verify?.row !== undefined || typeof Reflect.get(implementation, 'verifyRow') === 'function',
      defaults: [
        this.options.config,
        parseConfigPatch(options.config ?? {}, { backfill: name, origin: 'decorator' }),
      ],
      resolve: () =>
        (existingInstance(provider) ??
          this.moduleRef.resolve(provider.token, ContextIdFactory.create(), { strict: false })) as
          AnyHandler | Promise<AnyHandler>,
    };
  }
}

/** The decorated class: the class of the instance (`useFactory`, `useValue`), the provided class, or the token. */
function handlerClass(provider: Provider): HandlerClass | undefined {
  const instance = existingInstance(provider);
  const candidates: unknown[] = [instance?.constructor, provider.metatype, provider.token];
  return candidates.find(
    (candidate): candidate is HandlerClass =>
      typeof candidate === 'function' && Reflect.hasMetadata(BACKFILL_METADATA, candidate),
  );
}

/** The instance of a singleton; `undefined` for a request-scoped or transient provider. */
function existingInstance(provider: Provider): object | undefined {
  if (provider.isTransient || !provider.isDependencyTreeStatic()) {
    return undefined;
  }
  const instance: unknown = provider.instance;
  return typeof instance === 'object' && instance !== null ? instance : undefined;
}

function verifyOf(verify: unknown, name: string): BackfillVerifyOptions | null {
  const parsed = parseBackfillVerify(verify);
  if ('problem' in parsed) {
    const { field, expected, received } = parsed.problem;
    throw new BackfillDefinitionError(
      `The option ${field} of backfill "${name}" must be ${expected}, got ${describeValue(received)}. ` +
        'Write @Backfill({ verify: true }), or { verify: { sweeps: 3 } }.',
    );
  }
  return parsed.options;
}

function withoutRow(verify: BackfillVerifyOptions | null): VerifyOptions | null {
  return (
    verify && {
      ...(verify.sweeps === undefined ? {} : { sweeps: verify.sweeps }),
      ...(verify.sample === undefined ? {} : { sample: verify.sample }),
    }
  );
}

/** A handler may be found twice, as the provider of two modules. */
function assertOnlyOwner(name: string, handler: HandlerClass, owners: Map<string, HandlerClass>): void {
  const owner = owners.get(name) ?? handler;
  if (owner !== handler) {
    throw new BackfillDefinitionError(
      `Two handlers have the name "${name}": ${owner.name} and ${handler.name}. ` +
        `Give one of them another name: @Backfill({ name: '...' }).`,
    );
  }
  owners.set(name, handler);
}
