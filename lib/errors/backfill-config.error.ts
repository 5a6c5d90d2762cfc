import { BackfillError } from './backfill-error.js';

/**
 * Where a config came from: `@Backfill`, `BackfillService.configure`, the options of `start`, what is
 * stored in Redis, or the options of `BackfillModule`.
 *
 * @publicApi
 */
export type ConfigOrigin = 'decorator' | 'configure' | 'start' | 'redis' | 'options';

/**
 * Whose config is meant, so that an error can say where to correct it.
 *
 * @publicApi
 */
export interface ConfigWhere {
  /** Name of the backfill; `null` for the module's defaults, which belong to no single one. */
  readonly backfill: string | null;
  readonly origin: ConfigOrigin;
}

/**
 * One thing that is wrong with a config.
 *
 * @publicApi
 */
export interface ConfigIssue {
  /** The key as it was given, shortened where it is long; `config` when the whole is not an object. */
  readonly field: string;
  /** What belongs there, in words. */
  readonly expected: string;
  /** What stood there, shortened. */
  readonly received: string;
}

/**
 * A config that cannot be used. Nothing of it was applied; the message lists every bad field at once.
 *
 * @publicApi
 */
export class BackfillConfigError extends BackfillError {
  readonly code = 'BACKFILL_CONFIG_INVALID';

  constructor(
    readonly where: ConfigWhere,
    /** Every bad field, in the order of the input. */
    readonly issues: readonly ConfigIssue[],
    options?: ErrorOptions,
  ) {
    super(configMessage(where, issues), options);
  }
}

function configMessage({ backfill, origin }: ConfigWhere, issues: readonly ConfigIssue[]): string {
  const subject = backfill === null ? 'The default config' : `The config of backfill "${backfill}"`;
  const { place, remedy } = ORIGINS[origin];
  const lines = issues.map(
    ({ field, expected, received }) => `  ${field}: expected ${expected}, got ${received}`,
  );
  return [
    `${subject} is not valid (${place}):`,
    ...lines,
    remedy(backfill === null ? 'name' : JSON.stringify(backfill)),
  ].join('\n');
}

interface OriginWords {
  readonly place: string;
  /** What to do about it, given the name as it is written in code. */
  readonly remedy: (name: string) => string;
}

const ORIGINS: Readonly<Record<ConfigOrigin, OriginWords>> = {
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
};
