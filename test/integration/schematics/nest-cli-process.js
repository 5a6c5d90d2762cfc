/**
 * The Nest CLI and the schematics CLI in one process that runs many commands: most of what a command costs as a program of
 * its own is the start of Node, twice. `test/processes/schematics` runs them as programs.
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const nestFolder = dirname(dirname(require.resolve('@nestjs/cli/bin/nest.js')));
const load = (path) => import(pathToFileURL(join(nestFolder, path)).href);

const { Command } = createRequire(join(nestFolder, 'bin/nest.js'))('commander');
const { CommandLoader } = await load('commands/index.js');
const { SchematicRunner } = await load('lib/runners/schematic.runner.js');
const { NestConfigurationLoader } = await load('lib/configuration/nest-configuration.loader.js');
const schematics = require('@angular-devkit/schematics-cli/bin/schematics.js');

// The Nest CLI starts the schematics CLI through a shell, and rejects when it fails.
SchematicRunner.prototype.run = async (command) => {
  const words = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' });
  if ((await schematics.main({ args: words.split('\0').slice(0, -1) })) !== 0) {
    throw new Error(`The schematics CLI failed: ${command}`);
  }
};

// It caches nest-cli.json by the class of its reader, as a process has one app.
const loadConfiguration = NestConfigurationLoader.prototype.load;
let loads = 0;
NestConfigurationLoader.prototype.load = function (name) {
  const reader = {
    constructor: { name: `reader ${++loads}` },
    read: (file) => this.reader.read(file),
    readAnyOf: (files) => this.reader.readAnyOf(files),
  };
  return loadConfiguration.call({ reader }, name);
};

class Exit extends Error {
  constructor(code) {
    super(`exit ${code}`);
    this.code = code;
  }
}
const exit = process.exit.bind(process);
process.exit = (code = 0) => {
  throw new Exit(code);
};

const output = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr']) {
  process[name].write = (chunk) => {
    output[name] += chunk;
    return true;
  };
}

const programs = {
  nest: async (words) => {
    const program = new Command();
    program.__nestCliEsm = true;
    await CommandLoader.load(program);
    await program.parseAsync(words, { from: 'user' });
    return 0;
  },
  schematics: (words) => schematics.main({ args: words }),
};

/** Runs a command in a folder; answers its exit code and its output. */
async function run(folder, program, words) {
  process.chdir(folder);
  Object.assign(output, { stdout: '', stderr: '' });
  const code = await programs[program](words).catch((error) => {
    if (error instanceof Exit) {
      return error.code;
    }
    throw error;
  });
  return { code, text: output.stdout + output.stderr };
}

async function answer({ id, args }) {
  try {
    process.send({ id, value: await run(...args) });
  } catch ({ name, message }) {
    process.send({ id, error: { name, message } });
  }
}

process.on('disconnect', () => exit(1));
process.on('message', (message) => void answer(message));
process.send({ ready: true });
