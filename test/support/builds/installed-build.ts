import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Inside the repository, whose `node_modules` then serve the dependencies of a build. */
const CACHE = join(ROOT, '.cache');
const NEST = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
const NAME = 'nestjs-backfill';

/** Another build of the library than `dist`, installed as `npm install` would. */
export interface InstalledBuild {
  /** A folder in whose `node_modules` it is. */
  readonly folder: URL;
  remove(): Promise<void>;
}

/** Installs what `npm pack` has written. */
export function installTarball(tarball: string): Promise<InstalledBuild> {
  return install((folder) => unpack(tarball, folder));
}

/** Builds a commit of this repository with the packages of this checkout, and installs it. */
export function installCommit(commit: string): Promise<InstalledBuild> {
  return install(async (folder) => {
    const tree = join(folder, 'tree.tar');
    await run('git', ['archive', '--prefix=package/', '-o', tree, commit], { cwd: ROOT });
    await unpack(tree, folder);
    await rm(tree);
    try {
      await run(process.execPath, [NEST, 'build'], { cwd: folder });
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(
        `Expected ${commit} to build with the packages of this checkout, got:\n${stdout}${stderr}`,
        { cause: error },
      );
    }
  });
}

async function unpack(tarball: string, folder: string): Promise<void> {
  await run('tar', ['-xf', tarball, '--strip-components=1', '-C', folder]);
}

async function install(fill: (folder: string) => Promise<void>): Promise<InstalledBuild> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'build-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    // Without a package of its own the folder would belong to that of the repository, which has the same name.
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    // Not yet in `node_modules`, whose files no compiler emits.
    const unpacked = join(folder, 'unpacked');
    await mkdir(unpacked);
    await fill(unpacked);
    await expectName(unpacked);
    await mkdir(join(folder, 'node_modules'));
    await rename(unpacked, join(folder, 'node_modules', NAME));
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder: pathToFileURL(`${folder}/`), remove };
}

async function expectName(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}');
  const { name } = JSON.parse(text) as { name?: string };
  if (name !== NAME) {
    throw new Error(`Expected a package named ${NAME}, got ${name ?? 'none'}`);
  }
}
