import { RemoteProcess } from '../../support/processes/index.js';
import type { CommandResult, NestPrograms } from './nest-workspace.js';

/** Runs all commands in one process. */
export function startNestCli(): NestPrograms {
  const process = new RemoteProcess({
    module: new URL('./nest-cli-process.js', import.meta.url),
    execArgv: ['--no-warnings'],
    // `NODE_ENV=test` changes Nest's schematics, and Jest forces colors.
    env: { NODE_ENV: '', FORCE_COLOR: '0' },
  });
  return {
    run: async (...args) => {
      await process.ready;
      return process.call<CommandResult>('run', ...args);
    },
    stop: () => process.kill(),
  };
}
