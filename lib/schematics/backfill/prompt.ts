import { createInterface } from 'node:readline/promises';

/** An option of a multiple-choice prompt. */
export interface Choice<Value extends string> {
  readonly value: Value;
  /** Text shown for the option. */
  readonly label: string;
}

/** Whether a prompt can be shown: on a terminal, and as in Nest's own schematics not where `CI` is set. */
export function isInteractive(env: NodeJS.ProcessEnv = process.env): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && !env['CI'];
}

/** Prompts for one of the choices, by number or by value; Enter selects the first. */
export async function promptChoice<Value extends string>(
  question: string,
  choices: readonly Choice<Value>[],
): Promise<Value | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const lines = choices.map(({ label }, at) => `  ${at + 1}) ${label}`);
  try {
    for (;;) {
      const answer = (await terminal.question(`${question}\n${lines.join('\n')}\n[1] `)).trim();
      const named = answer === '' ? choices[0] : choices.find(({ value }) => value === answer);
      const selected = named ?? choices[Number(answer) - 1];
      if (selected !== undefined || choices.length === 0) {
        return selected?.value;
      }
    }
  } finally {
    terminal.close();
  }
}
