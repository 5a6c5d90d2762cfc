import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
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
}

export function addTransitionCommands(program: Command, session: CliSession): void {
  for (const [action, description] of Object.entries(TRANSITIONS) as [keyof typeof TRANSITIONS, string][]) {
    program
      .command(action)
      .description(description)
      .argument('<name>')
      .option('--reason <text>', 'reason recorded in the history')
      .option('--by <who>', 'operator recorded in the history (default: the OS user)')
      .action(async (name: string, { reason, by }: TransitionFlags) => {
        const service = await session.service();
        const receipt = await service[action](name, { reason, by: operatorName(by) });
        session.printer.print(
          receipt,
          ({ runId, state, changed }, style) =>
            `${name} ${changed ? 'is' : 'was already'} ${styledState(state, style)}, run ${runId}`,
        );
      });
  }
}
