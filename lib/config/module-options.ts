import type { RedisOptions } from 'ioredis';
import { z } from 'zod';
import { parseConfigPatch } from './parse-config-patch.js';
import type { BackfillBudget } from './backfill-budget.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { budgetIssues } from './parse-budget.js';
import { PARSE_ONCE } from './parse-once.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { groupDigits } from '../errors/group-digits.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** Token of the resolved options. */
export const RESOLVED_OPTIONS = Symbol('nestjs-backfill:resolved-options');

/** Token of the name of the context whose database the backfills use, `default` where the app gives none. */
export const DATABASE_CONTEXT = Symbol('nestjs-backfill:database-context');

/**
 * Environment variable that overrides the option `workers` with `false`. The command line sets it; a REPL or a script
 * can set it, too.
 */
export const WORKERS_VARIABLE = 'NESTJS_BACKFILL_WORKERS';

/**
 * Options of `BackfillModule.forRoot`.
 *
 * @publicApi
 */
export interface BackfillModuleOptions {
  /**
   * Whether this process runs workers, which plan ranges and process them: `true` for all backfills, `false` for none
   * (an API-only process), or the names of some. A name that is no backfill of this process is refused at start. The
   * environment variable `NESTJS_BACKFILL_WORKERS=false` overrides it. Default `true`.
   */
  readonly workers?: boolean | readonly string[];
  /**
   * Another Redis than the one of `BullModule.forRoot`: a URL, options of ioredis, or a client of ioredis, which is
   * duplicated. Default: the connection of `BullModule.forRoot`.
   */
  readonly redis?: string | RedisOptions | RedisClient;
  /** Prefix of all keys in Redis. Apps that share a Redis need different ones. Default `backfill`. */
  readonly keyPrefix?: string;
  /**
   * Milliseconds after which the ranges of a process that died are processed by another, at most a fifth of it or a second
   * later, and an event with `once` is delivered to another. A whole number from 1,000 to 3,600,000. Default 30,000.
   */
  readonly lockDuration?: number;
  /**
   * Milliseconds at shutdown until `context.signal` of the handlers in flight is aborted, and the upper bound of the
   * time to wait for handlers that ignore the signal on a pause. An app closes within this and ten seconds, also when a
   * handler ignores its signal and when Redis or PostgreSQL do not answer. A whole number from 0 to 3,600,000.
   * Default 10,000.
   */
  readonly shutdownTimeout?: number;
  /**
   * Milliseconds for which a run must have done nothing before it can count as stalled: it does once that is also ten times as
   * long as usual. A whole number from 1,000 to 3,600,000. Default 30,000.
   */
  readonly stalledAfter?: number;
  /** Throttles of all backfills, beside those of each `@Backfill`. Default: none. */
  readonly throttles?: readonly BackfillThrottle[];
  /** Config defaults of all backfills; `config` of `@Backfill` overrides them. Default: none. */
  readonly config?: BackfillConfigPatch;
  /**
   * What all runs of all processes may use together, shared by their weights: places, ranges, rows and calls to third
   * parties a second. Apps with the same `keyPrefix` and `contextName` have one budget. Operators change it live with
   * `configureBudget`. Default: no limits.
   */
  readonly budget?: BackfillBudget;
  /**
   * Whether runs, changes, checkpoints and failures are also stored in the database of the app: a run that Redis lost
   * then continues from its last checkpoint, and `runs` and `history` are complete. Needs PostgreSQL,
   * `BACKFILL_ENTITIES` among the entities of MikroORM, and their tables (`createLedgerSchema`). Default `false`.
   */
  readonly ledger?: boolean;
}

function isThrottle(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'measure') === 'function' &&
    typeof Reflect.get(value, 'name') === 'string'
  );
}

function milliseconds(min: number) {
  const expected = `expected a whole number of milliseconds from ${groupDigits(min)} to 3,600,000`;
  return z.int(expected).min(min, expected).max(3_600_000, expected);
}

const REDIS = 'expected a URL redis://... or rediss://..., options of ioredis, or a client of ioredis';
const PREFIX = 'expected a string that is not empty';

const optionsSchema = z.strictObject({
  workers: z
    .union([z.boolean(), z.array(z.string())], 'expected true, false or a list of names of backfills')
    .default(true),
  redis: z.union([z.string().regex(/^rediss?:\/\//, REDIS), z.looseObject({})], REDIS).optional(),
  keyPrefix: z.string(PREFIX).min(1, PREFIX).default('backfill'),
  lockDuration: milliseconds(1000).default(30_000),
  shutdownTimeout: milliseconds(0).default(10_000),
  stalledAfter: milliseconds(1000).default(30_000),
  throttles: z
    .array(
      z.custom<BackfillThrottle>(isThrottle, 'expected a throttle with a name and measure()'),
      'expected a list of throttles',
    )
    .default([]),
  config: z.unknown().optional(),
  budget: z.unknown().optional(),
  ledger: z.boolean('expected true or false').default(false),
});

/** The validated options with all defaults. */
export interface ResolvedModuleOptions {
  readonly workers: boolean | readonly string[];
  readonly redis: BackfillModuleOptions['redis'];
  readonly keyPrefix: string;
  readonly lockDuration: number;
  readonly shutdownTimeout: number;
  readonly stalledAfter: number;
  readonly throttles: readonly BackfillThrottle[];
  readonly config: BackfillConfigPatch;
  readonly budget: BackfillBudget;
  readonly ledger: boolean;
}

/** Throws `BackfillDefinitionError` that names each invalid option, or `BackfillConfigError` for `config`. */
export function resolveModuleOptions(options: BackfillModuleOptions = {}): ResolvedModuleOptions {
  const parsed = optionsSchema.safeParse(options, PARSE_ONCE);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const field = issue.path.join('.') || 'options';
      const got = issue.path.reduce<unknown>(
        (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
        options,
      );
      return `  ${field}: ${issue.message}${issue.path.length > 0 ? `, got ${JSON.stringify(got)}` : ''}`;
    });
    throw invalidOptions(lines);
  }
  const { redis: _redis, config, budget: _budget, ...rest } = parsed.data;
  const { budget = {} } = options;
  const issues = budgetIssues(budget);
  if (issues.length > 0) {
    throw invalidOptions(
      issues.map(({ field, expected, received }) => {
        const name = field === 'budget' ? field : `budget.${field}`;
        return `  ${name}: expected ${expected}, got ${received}`;
      }),
    );
  }
  return Object.freeze({
    ...rest,
    ...(process.env[WORKERS_VARIABLE] === 'false' ? { workers: false } : {}),
    // Not from the parsed data, because zod copies objects and a client of ioredis must stay the same instance.
    redis: options.redis,
    config: parseConfigPatch(config ?? {}, { backfill: null, origin: 'options' }),
    budget,
  });
}

function invalidOptions(lines: readonly string[]): BackfillDefinitionError {
  return new BackfillDefinitionError(`The options of BackfillModule are not valid:\n${lines.join('\n')}`);
}
