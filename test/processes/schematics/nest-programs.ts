import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import { NODE_MODULES } from '../../integration/schematics/built-schematics.js';
import type { NestPrograms } from '../../integration/schematics/nest-workspace.js';

const run = promisify(execFile);
const FILES = {
  nest: join(NODE_MODULES, '@nestjs/cli/bin/nest.js'),
  schematics: join(NODE_MODULES, '@angular-devkit/schematics-cli/bin/schematics.js'),
};

/** Runs each command as a program, as a user does. */
export const nestPrograms: NestPrograms = {
  run: async (folder, program, words) => {
    try {
      const { stdout, stderr } = await run(process.execPath, [FILES[program], ...words], {
        cwd: folder,
        env: environment(),
      });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, text: stdout + stderr };
    }
  },
  stop: async () => undefined,
};

/** Runs the Nest CLI on a pseudo terminal and types each answer when its prompt appears. */
export async function nestOnTerminal(
  folder: string,
  words: string[],
  answers: readonly (readonly [RegExp, string])[],
): Promise<string> {
  const { CI: _ci, ...env } = environment();
  const terminal = spawnTerminal(process.execPath, [FILES.nest, ...words], { cwd: folder, env, cols: 120 });
  const left = [...answers];
  let screen = '';
  terminal.onData((chunk) => {
    screen += chunk;
    const next = left[0];
    if (next?.[0].test(screen)) {
      left.shift();
      terminal.write(next[1]);
    }
  });
  await new Promise((resolve) => terminal.onExit(resolve));
  return stripVTControlCharacters(screen);
}

/** The environment without the variables of Jest: they force colors, and `NODE_ENV=test` changes Nest's schematics. */
function environment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _color, NODE_ENV: _test, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1' };
}
