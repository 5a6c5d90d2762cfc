import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocument } from '../../support/docs/index.js';

const root = join(import.meta.dirname, '../../..');

/** The names of the tests, as the specs write them. */
async function testedEnvironments(): Promise<string[]> {
  const folder = join(root, 'test/environments');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.spec.ts'));
  const codes = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return codes.flatMap((code) =>
    Array.from(code.matchAll(/\benvironment\(\s*'([^']+)'/g), ([, name = '']) => name),
  );
}

const rows = (await readDocument('sample/guides/environments.md'))
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('the guide lists the environments that are tested, each once, with its version and result', async () => {
  const tested = await testedEnvironments();
  expect(tested.length).toBeGreaterThan(0);
  expect(rows.map(([, name = '']) => name.replaceAll('`', '')).toSorted()).toEqual(tested.toSorted());
  for (const [, , version, , result] of rows) {
    expect(version).toMatch(/\d/);
    expect(result).toMatch(/\S/);
  }
});
