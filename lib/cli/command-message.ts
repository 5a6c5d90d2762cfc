import { BackfillConfigError } from '../errors/backfill-config.error.js';
import type { ConfigWhere } from '../errors/backfill-config.error.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';

/** The options of commands by the arguments of `BackfillService` that they set. */
const FLAGS: Readonly<Record<string, string>> = {
  adoptVersion: '--adopt-version',
  after: '--after',
  at: '--at',
  before: '--before',
  canary: '--canary',
  'canary.maxFailures': '--canary-max-failures',
  'canary.rows': '--canary',
  dryRun: '--dry-run',
  factor: '--factor',
  finishBy: '--finish-by',
  group: '--group',
  limit: '--limit',
  reason: '--reason',
  search: '--search',
  throttle: '--throttle',
  types: '--type',
  until: '--until',
  verify: '--verify',
  'verify.sample': '--sample',
  'verify.sweeps': '--sweeps',
};

/** The message of an error for an operator at a terminal: options and commands instead of arguments and methods. */
export function commandMessage(error: Error): string {
  if (error instanceof BackfillConfigError) {
    return configMessage(error);
  }
  const flag = error instanceof BackfillRequestError ? FLAGS[error.field] : undefined;
  return flag === undefined || !(error instanceof BackfillRequestError)
    ? error.message
    : error.message.replace(`expected ${error.field} to be`, () => `expected ${flag} to be`);
}

function configMessage({ where, issues, message }: BackfillConfigError): string {
  const [subject, ...lines] = message.split('\n');
  const remedy = remedyOf(where, issues[0]?.field ?? 'key');
  return remedy === null ? message : [subject, ...lines.slice(0, -1), remedy].join('\n');
}

/** `null` where only the code can be corrected. */
function remedyOf({ backfill, origin }: ConfigWhere, field: string): string | null {
  switch (origin) {
    case 'configure':
    case 'budget':
      return 'Nothing was changed. Repeat the command with these values corrected.';
    case 'start':
      return 'No run was started. Repeat the command with these values corrected.';
    case 'redis':
      return `Overwrite these values: nestjs-backfill config set ${backfill ?? '<name>'} ${field}=<value>`;
    default:
      return null;
  }
}
