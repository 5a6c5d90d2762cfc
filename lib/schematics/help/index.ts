import { readFileSync } from 'node:fs';
import type { Rule } from '@angular-devkit/schematics';
import { usageText } from './usage-text.js';
import type { Collection, OptionSchema } from './usage-text.js';

/** Prints the schematics and their options, because `nest g --help` lists only those of `@nestjs/schematics`. */
export function help(): Rule {
  return (_tree, context) => {
    const collection = readJson('collection.json') as Collection;
    context.logger.info(usageText(collection, (path) => readJson(path) as OptionSchema));
  };
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as unknown;
}
