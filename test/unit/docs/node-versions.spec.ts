import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReadme } from '../../e2e/readme/readme.js';

const root = join(import.meta.dirname, '../../..');

interface Manifest {
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

/** The oldest Node that a package allows, as a number to compare: 20.19 is 20019. */
function minimumOf(folder: string): number {
  return comparable(manifestOf(folder).engines?.node ?? '>=0');
}

function comparable(text: string): number {
  const [, major = '0', minor = '0'] = /(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(major) * 1000 + Number(minor);
}

describe('the versions of Node', () => {
  it('that the quick start asks for satisfy every package that it installs', async () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const [, wanted = ''] = /You need Node (\d+\.\d+) or later/.exec(readme) ?? [];
    const { installs } = await readReadme();
    const packages = installs
      .flat()
      .map((name) => name.replace(/(?<=.)@\d.*$/, ''))
      .filter((name) => !['install', '--save-dev', 'nestjs-backfill'].includes(name));
    expect(packages.length).toBeGreaterThan(10);
    for (const name of packages) {
      expect([name, minimumOf(`node_modules/${name}`) <= comparable(wanted)]).toEqual([name, true]);
    }
    expect(minimumOf('.')).toBeLessThanOrEqual(comparable(wanted));
  });

  it('that the package asks for satisfy its dependencies', () => {
    for (const name of Object.keys(manifestOf('.').dependencies ?? {})) {
      expect([name, minimumOf(`node_modules/${name}`) <= minimumOf('.')]).toEqual([name, true]);
    }
  });

  it('are those of the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    expect(readme).toMatch(/\nNode 20\.19 or later with MikroORM 6\.6; MikroORM 7\.2 asks for Node 22\.17\./);
    expect(minimumOf('.')).toBe(20_019);
    expect(minimumOf('node_modules/@mikro-orm/core')).toBe(22_017);
  });
});
