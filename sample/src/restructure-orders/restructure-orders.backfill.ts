import { Backfill, keyset } from 'nestjs-backfill';
import type { BatchHandler } from 'nestjs-backfill';
import type { FlatOrder } from './order-document.js';
import { Order } from './order.entity.js';
import { OrderRestructurer } from './order.restructurer.js';

/** Gives orders the nested document, newest first. What changed is flushed by the library. */
@Backfill({
  name: 'restructure-orders',
  description: 'Turns flat order documents into nested ones',
  source: keyset(Order, { orderBy: { createdAt: 'desc', id: 'desc' }, where: { shape: 1 } }),
  config: { batchSize: 250, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },
})
export class RestructureOrders implements BatchHandler<Order> {
  constructor(private readonly restructurer: OrderRestructurer) {}

  processBatch(orders: Order[]): void {
    for (const order of orders) {
      order.document = this.restructurer.restructure(order.document as FlatOrder);
      order.shape = 2;
      order.rewrites += 1;
    }
  }
}
