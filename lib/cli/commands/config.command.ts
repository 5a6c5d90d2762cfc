import type { Command } from 'commander';
import { CONFIG_KEYS } from '../../config/backfill-config.schema.js';
import type { ConfigValueOrigin } from '../../config/config-origins.js';
import { parseConfigPatch } from '../../config/parse-config-patch.js';
import type { ConfigInForce } from '../../config/config.store.js';
import type { CliSession } from '../cli-session.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { parseAssignments } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';

interface SetFlags {
  readonly ifVersion?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addConfigCommand(program: Command, session: CliSession): void {
  const config = program.command('config').description('read or change the config of a backfill');
  config
    .command('get')
    .description('print the config in force')
    .argument('<name>')
    .action(async (name: string) => {
      const service = await session.service();
      session.printer.print(await service.config(name), configTable);
    });
  config
    .command('set')
    .description('change the config; effective within a second')
    .argument('<name>')
    .argument('<key=value...>', 'config values, such as perSecondOnPeak=4 batchSize=20 maxFailures=5%')
    .option('--if-version <version>', 'fail with a conflict unless the config has this version')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async (name: string, assignments: string[], { ifVersion, reason, by }: SetFlags) => {
      const patch = parseConfigPatch(parseAssignments(assignments), { backfill: name, origin: 'configure' });
      const service = await session.service();
      const updated = await service.configure(name, patch, {
        version: ifVersion,
        reason,
        by: operatorName(by),
      });
      session.printer.print(updated, configTable);
    });
}

const ORIGINS: Readonly<Record<ConfigValueOrigin, string>> = {
  operator: 'set',
  decorator: '@Backfill',
  module: 'BackfillModule',
  default: 'default',
};

function configTable({ config, origins, version }: ConfigInForce, style: Style): string {
  const rows = CONFIG_KEYS.map((key) => [
    key,
    typeof config[key] === 'string' ? config[key] : JSON.stringify(config[key]),
    style(origins[key] === 'operator' ? 'cyan' : 'dim', ORIGINS[origins[key]]),
  ]);
  return `${table(['key', 'value', 'from'], rows, style)}\n${style('dim', `version ${version}`)}`;
}
