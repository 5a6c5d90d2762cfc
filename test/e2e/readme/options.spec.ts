import { readFile } from 'node:fs/promises';
import { DEFAULT_BACKFILL_CONFIG } from '../../../lib/config/backfill-config.js';
import { resolveModuleOptions } from '../../../lib/config/module-options.js';
import { readGuides, readReadme } from './readme.js';

const readme = await readReadme();
const guides = await readGuides();

/** The names of the fields of an interface, as it is written. */
async function fieldsOf(file: string, name: string): Promise<string[]> {
  const source = await readFile(new URL(`../../../lib/${file}`, import.meta.url), 'utf8');
  const [, body = ''] = new RegExp(`export interface ${name} \\{\\n([^]*?)\\n\\}`).exec(source) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field);
}

describe('the tables of README and guides', () => {
  it('have every key of a config, with its default', () => {
    const documented = Object.fromEntries(readme.table('Configuration'));
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
    const documented = guides.table('Module options').map(([name]) => name);
    expect(documented.toSorted()).toEqual([...options, ...extras].toSorted());
  });

  it('have the defaults of the options', () => {
    const documented = new Map(guides.table('Module options'));
    const { redis: _redis, config: _config, ...defaults } = resolveModuleOptions();
    for (const [name, value] of Object.entries(defaults)) {
      expect([name, documented.get(name)]).toEqual([
        name,
        typeof value === 'string' ? `'${value}'` : JSON.stringify(value),
      ]);
    }
  });
});
