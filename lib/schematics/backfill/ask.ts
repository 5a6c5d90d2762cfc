import { createInterface } from 'node:readline/promises';

/** One answer of a question. */
export interface Choice<Word extends string> {
  readonly word: Word;
  /** What it means, for the person who chooses. */
  readonly label: string;
}

/** Whether somebody can be asked. As Nest's own schematics, it asks nobody where `CI` is set. */
export function canAsk(env: NodeJS.ProcessEnv = process.env): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && !env['CI'];
}

/** Lets the person at the terminal choose by number or by word; Enter takes the first. */
export async function choose<Word extends string>(
  question: string,
  choices: readonly Choice<Word>[],
): Promise<Word | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const lines = choices.map(({ label }, at) => `  ${at + 1}) ${label}`);
  try {
    for (;;) {
      const answer = (await terminal.question(`${question}\n${lines.join('\n')}\n[1] `)).trim();
      const found = answer === '' ? choices[0] : choices.find(({ word }) => word === answer);
      const chosen = found ?? choices[Number(answer) - 1];
      if (chosen !== undefined || choices.length === 0) {
        return chosen?.word;
      }
    }
  } finally {
    terminal.close();
  }
}
