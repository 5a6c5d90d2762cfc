import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aclRules, readDocument } from '../../support/docs/index.js';

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

it('the guide lists all commands of the scripts among those of an ACL user', async () => {
  const folder = join(root, 'lib/redis/scripts');
  const scripts = (await readdir(folder)).filter((file) => file.endsWith('.lua'));
  const codes = await Promise.all(scripts.map((file) => readFile(join(folder, file), 'utf8')));
  const called = codes.flatMap((code) =>
    Array.from(code.matchAll(/(?:redis\.p?call|\bread)\(\s*'([A-Z]+)'/g), ([, name = '']) =>
      name.toLowerCase(),
    ),
  );
  expect(new Set(called).size).toBeGreaterThan(30);
  const { server: rules } = await aclRules();
  expect([...new Set(called)].filter((name) => !rules.includes(`+${name}`))).toEqual([]);
});
