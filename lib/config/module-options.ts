import type { RedisOptions } from 'ioredis';
import { z } from 'zod';
import { parseConfigPatch } from './parse-config-patch.js';
import type { BackfillConfigPatch } from './backfill-config.js';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import type { BackfillThrottle } from '../throttles/backfill-throttle.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** The options, parsed once and frozen. */
export const RESOLVED_OPTIONS = Symbol('nestjs-backfill:resolved-options');

/**
 * Environment variable: with `false` a process runs no workers, whatever the option `workers` says. The command
 * line sets it, and so can a REPL.
 */
export const WORKERS_VARIABLE = 'NESTJS_BACKFILL_WORKERS';

/**
 * Options of `BackfillModule.forRoot`.
 *
 * @publicApi
 */
export interface BackfillModuleOptions {
  /**
   * Whether this process runs workers: `true` for every backfill, `false` for none (an API-only process), or the
   * names of the backfills. Default `true`. The environment variable `NESTJS_BACKFILL_WORKERS=false` overrides it.
   */
  readonly workers?: boolean | readonly string[];
  /** Redis to use instead of the one of `BullModule.forRoot`: a URL, options, or a client of ioredis. */
  readonly redis?: string | RedisOptions | RedisClient;
  /** Prefix of every key in Redis. Apps that share a Redis need different ones. Default `backfill`. */
  readonly keyPrefix?: string;
  /**
   * Milliseconds after which the ranges of a dead process, and the events that it was to handle `once`, are given
   * to another process. Default 30000, at least 1000.
   */
  readonly lockDuration?: number;
  /**
   * Milliseconds that running handlers have to finish at shutdown before `context.signal` is aborted, and that a
   * handler which ignores the signal is waited for. Default 10000.
   */
  readonly shutdownTimeout?: number;
  /** Throttles that slow every backfill down while a shared resource is under pressure. Default: none. */
  readonly throttles?: readonly BackfillThrottle[];
  /** Config defaults of every backfill. */
  readonly config?: BackfillConfigPatch;
  /**
   * Whether runs, changes, checkpoints and failures are also stored in the app's database: a run that Redis lost
   * then continues from its last checkpoint, and `runs` has the whole history. Needs `BACKFILL_ENTITIES`
   * among the entities of MikroORM, and their tables (`createLedgerSchema`). Default `false`.
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

const milliseconds = (least: number) => z.number().int().min(least).max(3_600_000);

const optionsSchema = z.strictObject({
  workers: z.union([z.boolean(), z.array(z.string())]).default(true),
  redis: z
    .union([
      z.string().regex(/^rediss?:\/\//, 'expected a URL redis://... or rediss://...'),
      z.looseObject({}),
    ])
    .optional(),
  keyPrefix: z.string().min(1).default('backfill'),
  lockDuration: milliseconds(1000).default(30_000),
  shutdownTimeout: milliseconds(0).default(10_000),
  throttles: z
    .array(z.custom<BackfillThrottle>(isThrottle, 'expected throttles, with a name and measure()'))
    .default([]),
  config: z.unknown().optional(),
  ledger: z.boolean().default(false),
});

/** The options with every default. */
export interface ResolvedModuleOptions {
  readonly workers: boolean | readonly string[];
  readonly redis: BackfillModuleOptions['redis'];
  readonly keyPrefix: string;
  readonly lockDuration: number;
  readonly shutdownTimeout: number;
  readonly throttles: readonly BackfillThrottle[];
  readonly config: BackfillConfigPatch;
  readonly ledger: boolean;
}

/** Throws `BackfillDefinitionError` that names each bad option, or `BackfillConfigError` for `config`. */
export function resolveModuleOptions(options: BackfillModuleOptions = {}): ResolvedModuleOptions {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const field = issue.path.join('.') || 'options';
      const got = issue.path.reduce<unknown>(
        (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
        options,
      );
      return `  ${field}: ${issue.message}${issue.path.length > 0 ? `, got ${JSON.stringify(got)}` : ''}`;
    });
    throw new BackfillDefinitionError(`The options of BackfillModule are wrong:\n${lines.join('\n')}`);
  }
  const { redis: _redis, config, ...rest } = parsed.data;
  return Object.freeze({
    ...rest,
    ...(process.env[WORKERS_VARIABLE] === 'false' ? { workers: false } : {}),
    // A client is passed on as it is: parsing would copy it.
    redis: options.redis,
    config: parseConfigPatch(config ?? {}, { backfill: null, origin: 'options' }),
  });
}
