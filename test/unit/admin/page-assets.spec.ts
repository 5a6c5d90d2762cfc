import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { PageAssets } from '../../../lib/admin/page/page-assets.js';

const UI = new URL('../../../lib/admin/ui/', import.meta.url);
const HASH = /\.([0-9a-f]{12})\.\w+$/;

const assets = new PageAssets();
const text = (name: string): string => assets.find(name)?.body.toString('utf8') ?? '';
/** What a file of the page refers to. */
const references = (name: string): string[] =>
  [...text(name).matchAll(/["'](?:\.\/|ui\/)([\w.-]+\.\w+)["']/g)].map((match) => match[1] ?? '');

describe('PageAssets', () => {
  it('serves the whole page below names with a hash, which are immutable', () => {
    const seen = new Set<string>();
    const visit = (name: string): void => {
      if (seen.has(name)) return;
      seen.add(name);
      const asset = assets.find(name);
      expect([name, asset?.isImmutable]).toEqual([name, true]);
      references(name).forEach(visit);
    };
    references('index.html').forEach(visit);
    const files = readdirSync(UI).filter((name) => /\.(js|css|svg)$/.test(name));
    expect([...seen].map((name) => name.replace(/\.[0-9a-f]{12}\./, '.')).toSorted()).toEqual(
      files.toSorted(),
    );
    expect(new Set([...seen].map((name) => HASH.exec(name)?.[1])).size).toBe(1);
  });

  it('compresses each file once', () => {
    const asset = assets.find('app.js');
    expect(gunzipSync(asset?.gzipped ?? '').equals(asset?.body ?? Buffer.alloc(0))).toBe(true);
    expect(assets.find('app.js')?.gzipped).toBe(asset?.gzipped);
  });

  it('serves the document and files without a hash, and those of another version, to be validated each time', () => {
    for (const name of ['index.html', 'app.js', 'app.0123456789ab.js']) {
      expect([name, assets.find(name)?.isImmutable]).toEqual([name, false]);
    }
  });

  it.each(['', 'none.js', '..', '../page/page-assets.ts', 'uplot.license.txt', 'app.0123456789ab.ts'])(
    'has no file %j',
    (name) => {
      expect(assets.find(name)).toBeUndefined();
    },
  );

  it('changes no code of the libraries', () => {
    for (const name of ['preact.min.js', 'uplot.min.js']) {
      expect(text(name)).toBe(readFileSync(new URL(name, UI), 'utf8'));
    }
  });
});
