/** Shape 1: everything side by side, at most three lines. */
export type FlatOrder = FlatHead & FlatLines;

interface FlatHead {
  readonly customer_name: string;
  readonly street: string;
  readonly postal_code: string;
  readonly city: string;
  readonly country: string;
}

/** Prices are in whole units, as in `19.9`. */
type FlatLines = {
  readonly [field in `line${1 | 2 | 3}_${'sku' | 'quantity' | 'price'}`]?: string | number;
};

/** Shape 2: any number of lines, amounts in cents. */
export interface NestedOrder {
  readonly customer: {
    readonly name: string;
    readonly address: {
      readonly street: string;
      readonly postalCode: string;
      readonly city: string;
      readonly country: string;
    };
  };
  readonly lines: readonly OrderLine[];
  readonly totalCents: number;
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitCents: number;
}
