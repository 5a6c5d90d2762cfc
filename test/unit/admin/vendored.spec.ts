import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const UI = new URL('../../../lib/admin/ui/', import.meta.url);
const require = createRequire(import.meta.url);

const shipped = (name: string): string => readFileSync(new URL(name, UI), 'utf8');
const packaged = (name: string, file: string): string =>
  readFileSync(join(packageFolder(name), file), 'utf8');

/** Not every package exports its `package.json`. */
function packageFolder(name: string): string {
  const folders = require.resolve.paths(name) ?? [];
  const found = folders.find((folder) => {
    try {
      return readFileSync(join(folder, name, 'package.json')).length > 0;
    } catch {
      return false;
    }
  });
  return join(found ?? dirname(require.resolve(name)), name);
}

describe('the libraries of the page', () => {
  it.each([
    ['preact.min.js', 'htm', 'preact/standalone.module.js'],
    ['uplot.min.js', 'uplot', 'dist/uPlot.iife.min.js'],
    ['uplot.min.css', 'uplot', 'dist/uPlot.min.css'],
  ])('%s is the file of the package %s', (file, name, source) => {
    expect(shipped(file)).toBe(packaged(name, source));
  });

  it.each([
    ['preact.license.txt', 'preact'],
    ['preact.license.txt', 'htm'],
    ['uplot.license.txt', 'uplot'],
  ])('%s has the license of the package %s', (file, name) => {
    expect(shipped(file)).toContain(packaged(name, 'LICENSE'));
  });
});
