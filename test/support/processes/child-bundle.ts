import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = new URL('../../../', import.meta.url);

/** The app under test in one file. */
export interface ChildBundle {
  readonly url: URL;
  remove(): void;
}

/**
 * Bundles the app under test with all it uses: a scenario starts several processes, and most of what each
 * costs would be the search for a thousand modules.
 */
export async function bundleChild(entry: URL): Promise<ChildBundle> {
  const cache = fileURLToPath(new URL('.cache/', ROOT));
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(`${cache}child-`);
  const bundle = await rolldown({
    input: fileURLToPath(entry),
    platform: 'node',
    cwd: fileURLToPath(ROOT),
    // What cannot be resolved is optional, and stays out as it would unbundled.
    logLevel: 'silent',
    resolve: {
      alias: { 'nestjs-backfill': fileURLToPath(new URL('lib/index.ts', ROOT)) },
      extensionAlias: { '.js': ['.js', '.ts'] },
    },
  });
  await bundle.write({ dir: `${folder}/bundle`, format: 'esm' });
  await bundle.close();
  // The library resolves its Lua scripts against `import.meta.url`, which is the bundle's own here.
  cpSync(new URL('lib/redis/scripts', ROOT), `${folder}/bundle/scripts`, { recursive: true });
  return {
    url: pathToFileURL(`${folder}/bundle/${basename(entry.pathname, '.ts')}.js`),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
