import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { getBackfillQueueToken } from './backfill-queue.token.js';
import { lazyQueue } from './lazy-queue.js';
import { RangeQueues } from './range.queues.js';

/**
 * Provides the queue of each backfill under its token, at runtime: discovery has to find the backfills first. A queue is created
 * when it is first used.
 */
@Injectable()
export class QueuePublisher implements OnApplicationBootstrap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly registry: BackfillRegistry,
    private readonly queues: RangeQueues,
  ) {}

  onApplicationBootstrap(): void {
    const module = this.discovery.getProviders().find(({ token }) => token === QueuePublisher)?.host;
    for (const { name } of this.registry.all()) {
      const queue = lazyQueue(() => this.queues.of(name));
      module?.addProvider({ provide: getBackfillQueueToken(name), useValue: queue });
    }
  }
}
