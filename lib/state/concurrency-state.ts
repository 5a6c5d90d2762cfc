import { z } from 'zod';
import { decodeJson } from './json.js';

const provenSchema = () => z.object({ value: z.number(), ms: z.number() });
const ceilingSchema = () => z.object({ value: z.number(), at: z.number() });

/** The state of the controller of the concurrency of a run, as the run has it in Redis. */
export const concurrencyStateSchema = z.lazy(() =>
  z.object({
    /** Slots that a process uses at once; a fraction is an average over time. Below the minimum, processes rest. */
    value: z.number().positive(),
    /** Why `value` is what it is. */
    reason: z.string(),
    /** Epoch ms of the last change of `value`. */
    since: z.number(),
    /** Epoch ms of the last evaluation. */
    at: z.number(),
    /** Epoch ms of the start, or of the first evaluation after a break. */
    begunAt: z.number(),
    /** Processes that work on the run. */
    processes: z.number(),
    /** The minimum when it was last evaluated. */
    min: z.number(),
    /** Latency of a row without load; `null` while unknown. */
    floorMs: z.number().nullable(),
    /** Smoothed latency of a row; `null` while unknown. */
    latencyMs: z.number().nullable(),
    /** Smoothed number of slots that a process uses. */
    used: z.number(),
    /** Smoothed pressure of the throttles. */
    pressure: z.number(),
    /** The same, over several seconds: what noise is not in. */
    pressureTrend: z.number(),
    /** The highest of the last seconds. */
    pressurePeak: z.number(),
    /** Smoothed ratio of the latency to its floor. */
    stretch: z.number(),
    /** Where trouble began, and when: raising is slow from here on. */
    ceiling: ceilingSchema().nullable(),
    /** The value before the last raise, which was free of trouble. */
    good: z.number(),
    raisedAt: z.number(),
    loweredAt: z.number(),
    /** How bad the trouble was when the value was last lowered, 0 to 1. */
    severity: z.number(),
    /**
     * A value that was free of trouble, and for how many ms: after a decrease the value returns to it at once. States of earlier
     * versions do not have it.
     */
    proven: provenSchema().nullable().default(null),
    /** Since when no pressure has been measured, epoch ms. States of earlier versions do not have it. */
    clearSince: z.number().default(0),
    /** Raises since the last trouble. */
    raises: z.number(),
    /** Since when nothing has been wrong, epoch ms. */
    calmSince: z.number(),
    /** Ranges that ended since `value` changed. */
    ended: z.number(),
    /** Ranges that had ended, and errors, by the counts of all processes; `null` before the first evaluation. */
    totals: z.object({ ended: z.number(), errors: z.number() }).nullable(),
  }),
);

/** Where trouble began. */
export type Ceiling = z.output<ReturnType<typeof ceilingSchema>>;

/** State of the controller of a run. Stored in Redis, so that another process continues with it. */
export type ConcurrencyState = Readonly<z.output<typeof concurrencyStateSchema>>;

/** `null` where nothing is stored, or nothing that this version can read: the controller then begins anew. */
export function decodeConcurrency(text: string | null): ConcurrencyState | null {
  return decodeJson(text, concurrencyStateSchema);
}

/** As in `apply-rate.lua`. A controller stores its state several times a second. */
const CONTROLLER_MS = 5_000;

/** The state of the controller of a run at this time; `null` where its concurrency is not being found, or no longer. */
export function currentConcurrency(
  { concurrency }: { readonly concurrency: ConcurrencyState | null },
  now: number,
): ConcurrencyState | null {
  return concurrency !== null && now - concurrency.at < CONTROLLER_MS ? concurrency : null;
}

/** A number of slots, rounded for people. */
export function roundedSlots(slots: number): number {
  return slots < 10 ? Math.round(slots * 10) / 10 : Math.round(slots);
}
