import type { HandlerShape } from '../handlers/handler-shape.js';

/** What was measured of a batch of a rehearsal. */
export interface MeasuredBatch {
  readonly rows: number;
  /** Rows that the handler has changed. */
  readonly changed: number;
  readonly ms: number;
  /** Ms of its statements. */
  readonly databaseMs: number;
  /** CPU time of the process. */
  readonly cpuMs: number;
  /** Calls to the third party. */
  readonly calls: number;
  /** `null`: the database does not tell. */
  readonly wal: MeasuredWal | null;
}

/** Bytes of write-ahead log of a batch. */
export interface MeasuredWal {
  /** Of the handler: with images of pages. */
  readonly bytes: number;
  /** Pages by which the B-tree indexes of its tables have grown meanwhile. Absent: not measured. */
  readonly splits?: number | undefined;
  /** Of the same changes once more: without images and splits of pages. `null`: they could not be repeated. */
  readonly recordBytes: number | null;
  /** Pages of the table that had its rows. */
  readonly heapPages: number;
  readonly updated: number;
  readonly hotUpdated: number;
  /** Whether it has changed a column of an index, so that no update can be heap-only. Absent: not measured. */
  readonly changesIndex?: boolean | undefined;
  /** Whether the handler has only updated rows of the table that is walked. */
  readonly isPlain: boolean;
}

/** The table that is walked, by the statistics of the database. */
export interface MeasuredTable {
  readonly pageBytes: number;
  /** Average bytes of a row, with its header. */
  readonly rowBytes: number;
  readonly pages: number;
  readonly rows: number;
  readonly indexes: readonly MeasuredIndex[];
  readonly checkpointMs: number;
  /** Whether the first change of a page after a checkpoint logs the page (`full_page_writes`). Absent: it does. */
  readonly logsPages?: boolean | undefined;
}

/** An index of it. */
export interface MeasuredIndex {
  readonly pages: number;
  readonly bytes: number;
  /** Whether its order is about that of the rows in the table. */
  readonly isCorrelated: boolean;
  /** Its access method. Absent: `btree`. */
  readonly method?: string | undefined;
}

/** A batch without another one beside it. */
export interface TimedBatch {
  readonly rows: number;
  readonly ms: number;
}

/** How fast one process has handled the rows of a rehearsal again and again, as soon as its code was compiled. */
export interface MeasuredSpeed {
  /** Batches at once. */
  readonly atOnce: number;
  /** On average in each. */
  readonly rows: number;
  /** Of each batch. */
  readonly ms: readonly number[];
  /** CPU time of the process for each batch. */
  readonly cpuMs: number;
  /** Mean times of batches of one or two sizes. */
  readonly alone: readonly TimedBatch[];
}

/** What a rehearsal has measured; from it a forecast is computed for any config. */
export interface Measurement {
  /** Epoch ms. */
  readonly at: number;
  readonly shape: HandlerShape;
  readonly batches: readonly MeasuredBatch[];
  readonly table: MeasuredTable | null;
  /** Absent: something else than the handler limits the run, or it was not to be measured. */
  readonly speed?: MeasuredSpeed | undefined;
}
