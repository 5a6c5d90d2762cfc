import { Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, MetadataScanner, ModuleRef } from '@nestjs/core';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BACKFILL_EVENT_TYPES } from '../state/backfill-event.js';
import type { BackfillEvent } from '../state/backfill-event.js';
import type { BackfillListener } from './backfill-listener.js';
import { ON_BACKFILL_METADATA } from './on-backfill.decorator.js';
import type { ListenerMetadata } from './on-backfill.decorator.js';

type Provider = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the methods decorated with `@OnBackfill`, each once, also where several modules provide its class. */
@Injectable()
export class ListenerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Throws `BackfillDefinitionError` for an unknown type of event. */
  explore(): BackfillListener[] {
    const seen = new Set<unknown>();
    const listeners: BackfillListener[] = [];
    for (const provider of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const instance: unknown = isSingleton(provider) ? provider.instance : undefined;
      const type = (
        typeof instance === 'object' && instance !== null ? instance.constructor : provider.metatype
      ) as unknown;
      if (typeof type !== 'function' || type.prototype === undefined || seen.has(instance ?? type)) {
        continue;
      }
      seen.add(instance ?? type);
      for (const method of this.scanner.getAllMethodNames(type.prototype as object)) {
        const decorators = Reflect.getMetadata(ON_BACKFILL_METADATA, type.prototype as object, method) as
          ListenerMetadata[] | undefined;
        decorators?.forEach((metadata, i) => {
          const id = `${type.name}.${method}${i === 0 ? '' : `.${i}`}`;
          assertKnownTypes(metadata, id);
          listeners.push({ ...metadata, id, call: (event) => this.call(provider, method, event) });
        });
      }
    }
    return listeners;
  }

  private async call(provider: Provider, method: string, event: BackfillEvent): Promise<void> {
    const instance = (
      isSingleton(provider)
        ? provider.instance
        : await this.moduleRef.resolve(provider.token, ContextIdFactory.create(), { strict: false })
    ) as Record<string, (event: BackfillEvent) => unknown>;
    await instance[method]?.(event);
  }
}

function isSingleton(provider: Provider): boolean {
  return !provider.isTransient && provider.isDependencyTreeStatic();
}

function assertKnownTypes({ types }: ListenerMetadata, id: string): void {
  const unknown = types.find((type) => !BACKFILL_EVENT_TYPES.includes(type));
  if (unknown !== undefined || types.length === 0) {
    throw new BackfillDefinitionError(
      `@OnBackfill of ${id} must name one or several of ${BACKFILL_EVENT_TYPES.join(', ')}; got ` +
        `${JSON.stringify(unknown ?? [])}.`,
    );
  }
}
