import type { Benchmark } from '../benchmark.js';
import { api } from './api.bench.js';
import { control } from './control.bench.js';
import { crowd } from './crowd.bench.js';
import { enqueue } from './enqueue.bench.js';
import { entities } from './entities.bench.js';
import { forecast } from './forecast.bench.js';
import { foreground } from './foreground.bench.js';
import { heap } from './heap.bench.js';
import { idle } from './idle.bench.js';
import { journal } from './journal.bench.js';
import { list } from './list.bench.js';
import { longWalk } from './long-walk.bench.js';
import { memory } from './memory.bench.js';
import { noop } from './noop.bench.js';
import { pace } from './pace.bench.js';
import { plan } from './plan.bench.js';
import { registered } from './registered.bench.js';
import { related } from './related.bench.js';
import { restart } from './restart.bench.js';
import { rows } from './rows.bench.js';
import { scale } from './scale.bench.js';
import { sql } from './sql.bench.js';
import { stalls } from './stalls.bench.js';
import { undo } from './undo.bench.js';
import { verify } from './verify.bench.js';

/** All benchmarks; those at the end run apart. */
export const benchmarks: readonly Benchmark[] = [
  noop,
  sql,
  entities,
  related,
  rows,
  journal,
  undo,
  verify,
  plan,
  enqueue,
  pace,
  control,
  restart,
  scale,
  memory,
  api,
  list,
  idle,
  forecast,
  stalls,
  foreground,
  heap,
  registered,
  longWalk,
  crowd,
];
