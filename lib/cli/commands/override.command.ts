import type { Command } from 'commander';
import { describeOverride } from '../../state/throttle-override.js';
import { CliUsageError } from '../cli.error.js';
import type { CliSession } from '../cli-session.js';
import { operatorName } from './operator-name.js';

interface OverrideFlags {
  readonly throttle: string;
  readonly factor: number;
  readonly until?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addOverrideCommand(program: Command, session: CliSession): void {
  program
    .command('override')
    .description('loosen or tighten a throttle of a backfill until a time')
    .argument('<name>')
    .requiredOption('--throttle <name>', 'the throttle')
    .requiredOption(
      '--factor <number>',
      'what its pressure is multiplied by: 0 ignores it, 1 ends an override',
      numberOf,
    )
    .option('--until <time>', 'ISO time at which the override ends, such as 2030-01-31T18:00:00Z')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async (name: string, { throttle, factor, until, reason, by }: OverrideFlags) => {
      const service = await session.service();
      const receipt = await service.override(name, {
        throttle,
        factor,
        by: operatorName(by),
        ...(until === undefined ? {} : { until }),
        ...(reason === undefined ? {} : { reason }),
      });
      session.printer.print(receipt, ({ overrides, changed }) =>
        [
          `the throttles of ${name} ${changed ? 'are changed' : 'are as they were'}`,
          ...overrides.map((override) => `  ${describeOverride(override)}`),
        ].join('\n'),
      );
    });
}

function numberOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new CliUsageError(`Expected --factor to be a number, got ${JSON.stringify(text)}.`);
  }
  return value;
}
