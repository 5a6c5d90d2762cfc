import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module } from '@nestjs/common';
import { Order } from './order.entity.js';
import { OrderRestructurer } from './order.restructurer.js';
import { RestructureOrders } from './restructure-orders.backfill.js';

@Module({
  imports: [MikroOrmModule.forFeature([Order])],
  providers: [OrderRestructurer, RestructureOrders],
})
export class OrdersModule {}
