import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { databaseLines } from '../output/database-lines.js';
import { styledState } from '../output/state-style.js';
import { operatorName } from './operator-name.js';

/** Commands that change the state of the active run. */
const TRANSITIONS = {
  pause: 'pause the active run in all processes',
  resume: 'resume the paused run with its outstanding ranges',
  cancel: 'cancel the active run; it cannot be resumed',
} as const;

interface TransitionFlags {
  readonly reason?: string;
  readonly by?: string;
  readonly adoptVersion?: string;
}

export function addTransitionCommands(program: Command, session: CliSession): void {
  for (const [action, description] of Object.entries(TRANSITIONS) as [keyof typeof TRANSITIONS, string][]) {
    const command = program
      .command(action)
      .description(description)
      .argument('<name>')
      .option('--reason <text>', 'reason recorded in the history')
      .option('--by <who>', 'operator recorded in the history (default: the OS user)');
    if (action === 'resume') {
      command.option('--adopt-version <version>', 'version of the handler that the run goes on with');
    }
    command.action(async (name: string, { reason, by, adoptVersion }: TransitionFlags) => {
      const service = await session.service();
      const options = {
        reason,
        by: operatorName(by),
        ...(adoptVersion === undefined ? {} : { adoptVersion }),
      };
      const receipt = await service[action](name, options);
      session.printer.print(receipt, (shown, style) => {
        const { runId, state, changed } = shown;
        const line = `${name} ${changed ? 'is' : 'was already'} ${styledState(state, style)}, run ${runId}`;
        return [line, ...databaseLines(shown, style)].join('\n');
      });
    });
  }
}
