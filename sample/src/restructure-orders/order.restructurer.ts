import { Injectable } from '@nestjs/common';
import type { FlatOrder, NestedOrder, OrderLine } from './order-document.js';

const LINES = [1, 2, 3] as const;

/** Turns documents of shape 1 into shape 2. */
@Injectable()
export class OrderRestructurer {
  /** Throws for a document without customer or lines: better a failure to look at than a wrong order. */
  restructure(flat: FlatOrder): NestedOrder {
    const lines = LINES.flatMap((number) => lineOf(flat, number));
    if (!flat.customer_name || lines.length === 0) {
      throw new Error(`Expected a customer and at least one line, got ${JSON.stringify(flat)}`);
    }
    const { street, postal_code: postalCode, city, country } = flat;
    return {
      customer: { name: flat.customer_name, address: { street, postalCode, city, country } },
      lines,
      totalCents: lines.reduce((total, { quantity, unitCents }) => total + quantity * unitCents, 0),
    };
  }
}

function lineOf(flat: FlatOrder, number: (typeof LINES)[number]): OrderLine[] {
  const sku = flat[`line${number}_sku`];
  if (sku === undefined) {
    return [];
  }
  const quantity = Number(flat[`line${number}_quantity`]);
  const unitCents = Math.round(Number(flat[`line${number}_price`]) * 100);
  return [{ sku: String(sku), quantity, unitCents }];
}
