import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { styledState } from '../output/state-style.js';
import { operator } from './operator.js';

const ACTIONS = {
  pause: 'pause the active run everywhere, at once',
  resume: 'let a paused run go on where it was',
  cancel: 'end the active run for good',
} as const;

interface MoveFlags {
  readonly reason?: string;
  readonly by?: string;
}

export function addMoveCommands(program: Command, session: CliSession): void {
  for (const [action, description] of Object.entries(ACTIONS) as [keyof typeof ACTIONS, string][]) {
    program
      .command(action)
      .description(description)
      .argument('<name>')
      .option('--reason <text>', 'why, for the history')
      .option('--by <who>', 'who, for the history; the user of the shell without it')
      .action(async (name: string, { reason, by }: MoveFlags) => {
        const service = await session.service();
        const receipt = await service[action](name, { reason, by: operator(by) });
        session.printer.answer(
          receipt,
          ({ runId, state, changed }, style) =>
            `${name} ${changed ? 'is' : 'was already'} ${styledState(state, style)}, run ${runId}`,
        );
      });
  }
}
