import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import { swcOptions } from './options.js';

const root = new URL('../../../', import.meta.url);
const ownName = /^nestjs-backfill(?:\/(cli|migrations|testing))?$/;

let built = false;
let folder;

/**
 * Told by who registers it whether the package's own name leads to `dist` instead, or to the package that is
 * installed in a folder.
 */
export function initialize(data) {
  built = data?.built === true;
  folder = data?.folder;
}

/** Resolves the package's own name and `.js` specifiers to the TypeScript they stand for. */
export async function resolve(specifier, context, next) {
  const own = built ? null : ownName.exec(specifier);
  if (own && folder) {
    return next(specifier, { ...context, parentURL: new URL('app.js', folder).href });
  }
  if (own) {
    return next(new URL(`lib/${own[1] ? `${own[1]}/` : ''}index.ts`, root).href, context);
  }
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !/^(?:\.{1,2}\/|file:).*\.js$/.test(specifier)) {
      throw error;
    }
    return next(specifier.replace(/\.js$/, '.ts'), context);
  }
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts') || url.includes('/node_modules/')) {
    return next(url, context);
  }
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...swcOptions, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
