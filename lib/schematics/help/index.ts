import type { Rule } from '@angular-devkit/schematics';
import { readPackageFile } from '../../assets/package-file.js';
import { usageText } from './usage-text.js';
import type { Collection, OptionSchema } from './usage-text.js';

/** Tells what the schematics take. The runner's own `--help` knows nothing of them. */
export function help(): Rule {
  return (_tree, context) => {
    const collection = readJson('collection.json') as Collection;
    context.logger.info(usageText(collection, (path) => readJson(path) as OptionSchema));
  };
}

function readJson(path: string): unknown {
  return JSON.parse(readPackageFile(`schematics/${path}`).toString('utf8')) as unknown;
}
