import { Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BACKFILL_EVENT_TYPES } from '../state/backfill-event.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import { ON_BACKFILL_METADATA } from './on-backfill.decorator.js';
import type { BackfillListening } from './on-backfill.decorator.js';

type Provider = ReturnType<DiscoveryService['getProviders']>[number];

/** A method that listens. */
export interface BackfillListener extends BackfillListening {
  /** `Class.method`: the same in every process. */
  readonly id: string;
  readonly call: (event: BackfillEvent) => Promise<void>;
}

/** Finds the methods decorated with `@OnBackfill`, each once, wherever their class is provided. */
@Injectable()
export class ListenerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Throws `BackfillDefinitionError` for a type of event that there is none of. */
  explore(): BackfillListener[] {
    const seen = new Set<unknown>();
    const listeners: BackfillListener[] = [];
    for (const provider of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const made: unknown = isSingle(provider) ? provider.instance : undefined;
      const type = (
        typeof made === 'object' && made !== null ? made.constructor : provider.metatype
      ) as unknown;
      if (typeof type !== 'function' || type.prototype === undefined || seen.has(made ?? type)) {
        continue;
      }
      seen.add(made ?? type);
      for (const method of this.scanner.getAllMethodNames(type.prototype as object)) {
        const found = Reflect.getMetadata(ON_BACKFILL_METADATA, type.prototype as object, method) as
          BackfillListening[] | undefined;
        found?.forEach((listening, i) => {
          const id = `${type.name}.${method}${i === 0 ? '' : `.${i}`}`;
          check(listening, id);
          listeners.push({ ...listening, id, call: (event) => this.call(provider, method, event) });
        });
      }
    }
    return listeners;
  }

  private async call(provider: Provider, method: string, event: BackfillEvent): Promise<void> {
    const instance = (
      isSingle(provider)
        ? provider.instance
        : await this.moduleRef.resolve(provider.token, ContextIdFactory.create(), { strict: false })
    ) as Record<string, (event: BackfillEvent) => unknown>;
    await instance[method]?.(event);
  }
}

function isSingle(provider: Provider): boolean {
  return !provider.isTransient && provider.isDependencyTreeStatic();
}

function check({ types }: BackfillListening, id: string): void {
  const unknown = types.find((type) => !BACKFILL_EVENT_TYPES.includes(type));
  if (unknown !== undefined || types.length === 0) {
    throw new BackfillDefinitionError(
      `@OnBackfill of ${id} must name one or several of ${BACKFILL_EVENT_TYPES.join(', ')}; got ` +
        `${JSON.stringify(unknown ?? [])}.`,
    );
  }
}
