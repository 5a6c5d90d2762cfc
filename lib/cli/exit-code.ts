/**
 * What the command line answers to the shell.
 *
 * @publicApi
 */
export const EXIT_CODES = {
  /** Done. */
  ok: 0,
  /** Something unexpected: Redis or the database does not answer, the app does not boot. */
  failure: 1,
  /** The command, an option or a value is wrong; nothing was done. */
  usage: 2,
  /** There is no such backfill or run. */
  notFound: 3,
  /** The state of the run does not allow it, or somebody else was faster. */
  conflict: 4,
  /** A watched run ended as `failed` or `cancelled`, or paused itself. */
  runFailed: 5,
  /** `doctor` found a problem. */
  unhealthy: 6,
  /** A watch was left with Ctrl-C; the run goes on. */
  detached: 130,
} as const;

/** One of {@link EXIT_CODES}. */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
