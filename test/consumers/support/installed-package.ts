import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from './shell.js';
import { packedLibrary, ROOT } from './tarball.js';

/** The unpacked tarball in the `node_modules` of an empty app, with the repository's packages as its peers. */
export class InstalledPackage {
  private constructor(
    private readonly parent: string,
    /** Where the app is. */
    readonly app: string,
    /** Where the package is. */
    readonly folder: string,
  ) {}

  static async install(): Promise<InstalledPackage> {
    const parent = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-backfill-installed-')));
    const app = join(parent, 'app');
    const folder = join(app, 'node_modules/nestjs-backfill');
    await mkdir(folder, { recursive: true });
    // Node and TypeScript look for packages in the parents of a folder, too.
    await symlink(join(ROOT, 'node_modules'), join(parent, 'node_modules'));
    await writeFile(join(app, 'package.json'), '{ "type": "module" }');
    await run(folder, 'tar', ['-xzf', packedLibrary(), '--strip-components=1']);
    return new InstalledPackage(parent, app, folder);
  }

  async remove(): Promise<void> {
    await rm(this.parent, { recursive: true });
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  /** The files below a folder of the package, by their paths in it. */
  async filesIn(folder: string): Promise<string[]> {
    const entries = await readdir(join(this.folder, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(join(this.folder, folder), join(entry.parentPath, entry.name)))
      .toSorted();
  }
}
