import { createHash } from 'node:crypto';
import type { JsonValue } from '../sources/backfill-source.js';

/** What a piece of outstanding work stands for: a range as planned, or rows by their keys. */
export type RangePayload =
  | { readonly kind: 'range'; readonly partition: string; readonly range: JsonValue }
  | { readonly kind: 'rows'; readonly partition: string; readonly keys: readonly JsonValue[] };

/** A piece of outstanding work, as a worker claimed it. */
export interface RangeEntry {
  readonly index: number;
  /** How often it was taken up, this time included; tells an overtaken worker from the last. */
  readonly claims: number;
  /** How often a worker died with it. */
  readonly crashes: number;
  /** How often its handler failed. */
  readonly attempts: number;
  /** Rows it is worth for the progress. */
  readonly rows: number;
  readonly payload: RangePayload;
}

/** The payload as it is kept: `[range]` or `[range, partition]`, and `{ k, p }` for rows by key. */
export function encodePayload(payload: RangePayload): string {
  if (payload.kind === 'rows') {
    return JSON.stringify({ k: payload.keys, p: payload.partition });
  }
  return JSON.stringify(payload.partition === '' ? [payload.range] : [payload.range, payload.partition]);
}

/** Tells one payload from another, to Redis as well. */
export function digestOf(payload: RangePayload): string {
  return createHash('sha1').update(encodePayload(payload)).digest('hex');
}

/** Reads what `encodePayload` wrote. */
export function decodePayload(text: string): RangePayload {
  const value = JSON.parse(text) as [JsonValue, string?] | { k: JsonValue[]; p: string };
  if (Array.isArray(value)) {
    return { kind: 'range', range: value[0], partition: value[1] ?? '' };
  }
  return { kind: 'rows', keys: value.k, partition: value.p };
}

/** Reads an entry as `prelude.lua` describes it. */
export function parseEntry(index: number, text: string): RangeEntry {
  const [claims, returns, attempts, , , rows, ...payload] = text.split('|');
  return {
    index,
    claims: Number(claims),
    crashes: Math.max(0, Number(claims) - 1 - Number(returns)),
    attempts: Number(attempts),
    rows: Number(rows),
    payload: decodePayload(payload.join('|')),
  };
}
