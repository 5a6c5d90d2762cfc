import type { StandardSchema } from 'nestjs-backfill';

interface Params {
  readonly keyId: string;
  readonly limit: number;
}

type Schema = StandardSchema<{ keyId: string; limit?: number }, Params>;

export const valibotParams: Schema;
export const valibotJsonParams: Schema;
export const arktypeParams: Schema;

/** With the same secrets each, by the library that they are of. */
export const secretParams: Readonly<Record<string, StandardSchema>>;
export const valibotTree: StandardSchema;
