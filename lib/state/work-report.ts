import { z } from 'zod';
import { decodeJson } from './json.js';

const rangeSchema = () =>
  z.object({
    index: z.number(),
    /** For how many ms it has been in process. */
    forMs: z.number(),
    /** For how many ms its signal has been aborted; `null`: it is not. */
    abortedForMs: z.number().nullable(),
  });

const poolSchema = () =>
  z.object({
    context: z.string(),
    size: z.number(),
    inUse: z.number(),
    /** Of these, by the library. */
    ofLibrary: z.number(),
    waiting: z.number(),
    waitedMs: z.number(),
  });

const reportSchema = z.lazy(() =>
  z.object({
    /** Epoch ms by the clock of Redis. */
    at: z.number(),
    /** For how many ms the process has worked on the run. */
    forMs: z.number(),
    /** Smoothed time between two steps of a range: rows of a row handler, else the range. `null` while unknown. */
    usualMs: z.number().nullable(),
    /** Of its connection to Redis, which tells a process that is blocked from one that is gone. */
    client: z.number().nullable(),
    /** The ranges that have been in process for longest. */
    ranges: z.array(rangeSchema()),
    /** `null` where no work of the run waits for a connection, or that is not known. */
    pool: poolSchema().nullable(),
    /** Sessions of the database that work of the run uses; `null` where that is not known. */
    sessions: z.array(z.number()).nullable(),
  }),
);

/** A range in process. */
export type RangeReport = Readonly<z.output<ReturnType<typeof rangeSchema>>>;

/** A pool of which work of the run waits for a connection, and there is none. */
export type PoolReport = Readonly<z.output<ReturnType<typeof poolSchema>>>;

/** What a process says of its work on a run, every few seconds. */
export type WorkReport = Readonly<z.output<typeof reportSchema>>;

/** Of the work alone, without the process around it. */
export type WorkState = Pick<WorkReport, 'forMs' | 'usualMs' | 'ranges'>;

/** `null` where this version cannot read it. */
export function decodeReport(text: string): WorkReport | null {
  return decodeJson(text, reportSchema);
}
