#!/usr/bin/env node
import 'reflect-metadata';
import { EXIT_CODES } from './exit-code.js';
import { runCommandLine } from './command-line.js';

/** Longest that a command which has failed waits for connections of the app that do not close. */
const LINGER_MS = 2_000;

const code = await runCommandLine(process.argv.slice(2));
// Not process.exit(), which would discard output that is still buffered for a pipe.
process.exitCode = code;
if (code === EXIT_CODES.failure || code === EXIT_CODES.usage) {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
