import { readFile } from 'node:fs/promises';
import { DEFAULT_BACKFILL_CONFIG } from '../../../lib/config/backfill-config.js';
import { resolveModuleOptions } from '../../../lib/config/module-options.js';
import { readGuide } from './readme.js';

const configuration = await readGuide('configuration');
const moduleOptions = await readGuide('module-options');

/** The names of the fields of an interface, as it is written. */
async function fieldsOf(file: string, name: string): Promise<string[]> {
  const source = await readFile(new URL(`../../../lib/${file}`, import.meta.url), 'utf8');
  const [, body = ''] = new RegExp(`export interface ${name} \\{\\n([^]*?)\\n\\}`).exec(source) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field);
}

describe('the tables of the guides', () => {
  it('have every key of a config, with its default', () => {
    const documented = Object.fromEntries(configuration.table('Configuration'));
    const actual = Object.entries(DEFAULT_BACKFILL_CONFIG).map(([key, value]) => [
      key,
      typeof value === 'string' ? `'${value}'` : JSON.stringify(value),
    ]);
    expect(documented).toEqual(Object.fromEntries(actual));
  });

  it('have every option of the module', async () => {
    const options = await fieldsOf('config/module-options.ts', 'BackfillModuleOptions');
    const extras = await fieldsOf('backfill.module-definition.ts', 'BackfillModuleExtras');
    expect(options.length * extras.length).toBeGreaterThan(0);
    const documented = moduleOptions.table('Module options').map(([name]) => name);
    expect(documented.toSorted()).toEqual([...options, ...extras].toSorted());
  });

  it('have the defaults of the options', () => {
    const documented = new Map(moduleOptions.table('Module options'));
    const { redis: _redis, config: _config, ...defaults } = resolveModuleOptions();
    for (const [name, value] of Object.entries(defaults)) {
      expect([name, documented.get(name)]).toEqual([
        name,
        typeof value === 'string' ? `'${value}'` : JSON.stringify(value),
      ]);
    }
  });
});
