#!/usr/bin/env node
import 'reflect-metadata';
import { runCommandLine } from './command-line.js';

// Not process.exit: what was written to a pipe would be cut off.
process.exitCode = await runCommandLine(process.argv.slice(2));
