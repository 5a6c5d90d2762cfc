#!/usr/bin/env node
import 'reflect-metadata';
import { runCommandLine } from './command-line.js';

// Not process.exit(), which would discard output that is still buffered for a pipe.
process.exitCode = await runCommandLine(process.argv.slice(2));
