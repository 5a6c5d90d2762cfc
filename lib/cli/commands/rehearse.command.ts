import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import { rehearsalText } from '../output/rehearsal-view.js';
import { parseBound, wholeNumber } from '../parse-assignments.js';
import type { ParamsFlags } from '../parse-params.js';
import { PARAM_HELP, PARAMS_FILE_HELP, paramsOf } from './params-options.js';

interface RehearseFlags extends ParamsFlags {
  readonly rows?: number;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly mask?: readonly string[];
  readonly limitMs?: number;
  readonly maxLength?: number;
  readonly whole?: true;
}

export function addRehearseCommand(program: Command, session: CliSession): void {
  program
    .command('rehearse')
    .description('run the handler on random rows, roll everything back, and print what it did to each row')
    .argument('<name>')
    .option('--rows <count>', 'rows to rehearse, at most 500 (default: 50)', wholeNumber('--rows', 1))
    .option(
      '--from <key>',
      'key of the first row that may be drawn, inclusive: an id, text, or JSON of the key columns',
      parseBound,
    )
    .option('--to <key>', 'key of the last row that may be drawn, inclusive', parseBound)
    .option('--param <key=value...>', PARAM_HELP)
    .option('--params-file <path>', PARAMS_FILE_HELP)
    .option('--mask <column...>', 'columns whose values are not printed')
    .option(
      '--max-length <characters>',
      'longest value that is printed whole (default: 200)',
      wholeNumber('--max-length', 1),
    )
    .option('--whole', 'print whole values')
    .option(
      '--limit-ms <ms>',
      'start no further batch after so long (default: 30000)',
      wholeNumber('--limit-ms', 1),
    )
    .action(async (name: string, { limitMs, param, paramsFile, whole, ...options }: RehearseFlags) => {
      const service = await session.service();
      const params = await paramsOf(service, name, { param, paramsFile });
      const result = await service.rehearse(name, {
        ...options,
        ...(params === undefined ? {} : { params }),
        ...(whole ? { maxLength: null } : {}),
        ...(limitMs === undefined ? {} : { timeoutMs: limitMs }),
        signal: session.signal,
      });
      session.printer.print(result, rehearsalText);
      if (result.committed !== null) {
        session.exitWith(EXIT_CODES.failure);
      }
    });
}
