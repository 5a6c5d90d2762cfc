import { BackfillError, ERROR_KIND } from './backfill-error.js';

/**
 * Where a config comes from:
 *
 * - `decorator`: `config` of `@Backfill`
 * - `configure`: the patch of `BackfillService.configure`
 * - `start`: `config` of `BackfillService.start`
 * - `redis`: what is stored in Redis
 * - `options`: `config` of `BackfillModule`
 * - `budget`: the patch of `BackfillService.configureBudget`
 *
 * @publicApi
 */
export type ConfigOrigin = 'decorator' | 'configure' | 'start' | 'redis' | 'options' | 'budget';

/**
 * Which config an error is about, for the advice in its message.
 *
 * @publicApi
 */
export interface ConfigWhere {
  /** Name of the backfill; `null` for the defaults of the module, which apply to all. */
  readonly backfill: string | null;
  readonly origin: ConfigOrigin;
}

/**
 * An invalid key or value of a config.
 *
 * @publicApi
 */
export interface ConfigIssue {
  /** The key as it was given, shortened if it is long; `config` where the whole is not an object. */
  readonly field: string;
  /** The values that are valid, in words. */
  readonly expected: string;
  /** The value that was given, as in an error message, shortened. */
  readonly received: string;
}

/**
 * A config is not valid; nothing of it was applied. The message lists every invalid key and value, and says where to
 * correct them.
 *
 * Thrown while the app is created (`@Backfill` and the options of `BackfillModule`), by `BackfillService.configure`,
 * `start` and `preview` for a config that is passed to them, and by every method that reads the config from Redis
 * where it was stored wrongly. The admin endpoints answer 400 for a config in the request, else 500.
 *
 * @publicApi
 */
export class BackfillConfigError extends BackfillError {
  /** @internal */
  static override readonly [ERROR_KIND] = 'config';

  readonly code = 'BACKFILL_CONFIG_INVALID';

  constructor(
    /** The backfill, and where the config comes from. */
    readonly where: ConfigWhere,
    /** Every invalid key and value, in the order of the input. */
    readonly issues: readonly ConfigIssue[],
    options?: ErrorOptions,
  ) {
    super(configMessage(where, issues), options);
  }
}

function configMessage({ backfill, origin }: ConfigWhere, issues: readonly ConfigIssue[]): string {
  const { place, remedy, subject = 'The default config' } = ORIGINS[origin];
  const lines = issues.map(
    ({ field, expected, received }) => `  ${field}: expected ${expected}, got ${received}`,
  );
  return [
    `${backfill === null ? subject : `The config of backfill "${backfill}"`} is not valid (${place}):`,
    ...lines,
    remedy(backfill === null ? 'name' : JSON.stringify(backfill)),
  ].join('\n');
}

interface OriginText {
  readonly place: string;
  /** What to do, with the name of the backfill as it is written in code. */
  readonly remedy: (name: string) => string;
  /** What is not valid, where it is not of one backfill. */
  readonly subject?: string;
}

const ORIGINS: Readonly<Record<ConfigOrigin, OriginText>> = {
  decorator: {
    place: 'given to @Backfill',
    remedy: (name) => `Correct \`config\` in @Backfill({ name: ${name}, config: { … } }).`,
  },
  configure: {
    place: 'given to configure',
    remedy: (name) =>
      `Nothing was changed. Call configure(${name}, { … }) again with these fields corrected.`,
  },
  start: {
    place: 'given to start',
    remedy: (name) => `No run was started. Call start(${name}, { … }) again with these fields corrected.`,
  },
  redis: {
    place: 'stored in Redis',
    remedy: (name) => `Overwrite these fields with configure(${name}, { … }).`,
  },
  options: {
    place: 'given to BackfillModule',
    remedy: () => 'Correct `config` in the options of BackfillModule.',
  },
  budget: {
    place: 'given to configureBudget',
    remedy: () => 'Nothing was changed. Call configureBudget({ … }) again with these fields corrected.',
    subject: 'The budget',
  },
};
