import type { Command } from 'commander';
import { parseConfigPatch } from '../../config/parse-config-patch.js';
import type { ConfigInForce } from '../../config/config.store.js';
import type { CliSession } from '../cli-session.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { parseAssignments } from '../parse-assignments.js';
import { operator } from './operator.js';

interface SetFlags {
  readonly ifVersion?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addConfigCommand(program: Command, session: CliSession): void {
  const config = program.command('config').description('what is tuned live');
  config
    .command('get')
    .description('the config in force')
    .argument('<name>')
    .action(async (name: string) => {
      const service = await session.service();
      session.printer.answer(await service.config(name), configTable);
    });
  config
    .command('set')
    .description('change the config; in force within a second')
    .argument('<name>')
    .argument('<key=value...>', 'such as perSecondOnPeak=4 batchSize=20 maxFailures=5%')
    .option('--if-version <version>', 'change nothing unless the config still has this version')
    .option('--reason <text>', 'why, for the history')
    .option('--by <who>', 'who, for the history; the user of the shell without it')
    .action(async (name: string, words: string[], { ifVersion, reason, by }: SetFlags) => {
      const patch = parseConfigPatch(parseAssignments(words), { backfill: name, origin: 'configure' });
      const service = await session.service();
      const answer = await service.configure(name, patch, { version: ifVersion, reason, by: operator(by) });
      session.printer.answer(answer, configTable);
    });
}

function configTable({ config, patch, version }: ConfigInForce, style: Style): string {
  const rows = Object.entries(config).map(([key, value]) => [
    key,
    value === null ? 'null' : String(value),
    Object.hasOwn(patch, key) ? style('cyan', 'set') : style('dim', 'default'),
  ]);
  return `${table(['key', 'value', 'from'], rows, style)}\n${style('dim', `version ${version}`)}`;
}
