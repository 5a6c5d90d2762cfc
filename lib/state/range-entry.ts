import { hash } from 'node:crypto';
import type { JsonValue } from '../sources/backfill-source.js';

/** What an outstanding range covers: a range as planned, or rows by their keys. */
export type RangePayload =
  | { readonly kind: 'range'; readonly partition: string; readonly range: JsonValue }
  | {
      readonly kind: 'rows';
      readonly partition: string;
      readonly keys: readonly JsonValue[];
      /** Whether they are processed although they may no longer match the filter of the source. Default: they are not. */
      readonly unfiltered?: true;
    };

/** Rows of a range, or of rows by their keys, by the keys of these. */
export function rowsOf(payload: RangePayload, keys: readonly JsonValue[]): RangePayload {
  const { partition } = payload;
  return payload.kind === 'rows' && payload.unfiltered
    ? { kind: 'rows', partition, keys, unfiltered: true }
    : { kind: 'rows', partition, keys };
}

/** An outstanding range, as a worker claimed it. */
export interface RangeEntry {
  readonly index: number;
  /** How many times it was claimed, this claim included: the fencing token of the claim. */
  readonly claims: number;
  /** How many of its workers died. */
  readonly crashes: number;
  /** How many times its handler failed. */
  readonly attempts: number;
  /** Rows that it counts for in the progress. */
  readonly rows: number;
  readonly payload: RangePayload;
}

/** An outstanding range, as Redis stores it; `prelude.lua` describes the fields. */
export interface StoredEntry {
  readonly claims: number;
  readonly releases: number;
  readonly attempts: number;
  readonly notBefore: number;
  readonly job: string;
  readonly rows: number;
  readonly payload: string;
}

/** Writes `claims|releases|attempts|notBefore|job|rows|payload`, as `format_entry` of the prelude does. */
export function encodeEntry({
  claims,
  releases,
  attempts,
  notBefore,
  job,
  rows,
  payload,
}: StoredEntry): string {
  return [claims, releases, attempts, notBefore, job, rows, payload].join('|');
}

/** Reads what `encodeEntry` or a script wrote. */
export function decodeEntry(text: string): StoredEntry {
  const [claims, releases, attempts, notBefore, job = '', rows, ...payload] = text.split('|');
  return {
    claims: Number(claims),
    releases: Number(releases),
    attempts: Number(attempts),
    notBefore: Number(notBefore),
    job,
    rows: Number(rows),
    payload: payload.join('|'),
  };
}

/** The range that a worker has claimed, from its stored entry. */
export function toClaimed(index: number, stored: StoredEntry): RangeEntry {
  const { claims, releases, attempts, rows } = stored;
  // All claims before this one ended with a release, or with the death of the worker.
  const crashes = Math.max(0, claims - 1 - releases);
  return { index, claims, crashes, attempts, rows, payload: decodePayload(stored.payload) };
}

/** The payload as it is stored: `[range]` or `[range, partition]`, and `{ k, p }` for rows by key, with `u: 1` unfiltered. */
export function encodePayload(payload: RangePayload): string {
  if (payload.kind === 'rows') {
    const { keys, partition, unfiltered } = payload;
    return JSON.stringify({ k: keys, p: partition, u: unfiltered ? 1 : undefined });
  }
  return JSON.stringify(payload.partition === '' ? [payload.range] : [payload.range, payload.partition]);
}

/** Reads what `encodePayload` wrote. */
export function decodePayload(text: string): RangePayload {
  const value = JSON.parse(text) as [JsonValue, string?] | { k: JsonValue[]; p: string; u?: 1 };
  if (Array.isArray(value)) {
    return { kind: 'range', range: value[0], partition: value[1] ?? '' };
  }
  const { k: keys, p: partition, u: unfiltered } = value;
  return unfiltered ? { kind: 'rows', keys, partition, unfiltered: true } : { kind: 'rows', keys, partition };
}

/** SHA-1 of the stored payload, by which the scripts recognize it. */
export function digestOf(payload: RangePayload): string {
  return hash('sha1', encodePayload(payload));
}
