export { runCommandLine } from './command-line.js';
export type { CommandLineOptions } from './command-line.js';
export { EXIT_CODES } from './exit-code.js';
export type { ExitCode } from './exit-code.js';
