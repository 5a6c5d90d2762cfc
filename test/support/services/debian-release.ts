import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import {
  cacheFolder,
  fetchFromDebian,
  firstExecutable,
  librariesOf,
  type UnpackedPackages,
} from './debian-packages.js';

const run = promisify(execFile);

/** Packages of another release of Debian, with all libraries: a program runs by the loader of that release. */
export interface ReleasePackages extends UnpackedPackages {
  readonly loader: string;
}

/**
 * As `debianPackage`, from a release that the system may not be. All that the package needs is fetched, down to the C
 * library, from the mirror that the system uses.
 *
 * @param binary a program of the package, by its path below the root
 * @param release its code name, such as `trixie`
 */
export async function debianReleasePackage(
  name: string,
  binary: string,
  release: string,
): Promise<ReleasePackages> {
  const cache = cacheFolder();
  const root = join(cache, `${name}-${release}-${process.arch}`);
  if (!(await firstExecutable([join(root, binary)]))) {
    await fetchFromDebian(name, cache, root, (work) => settingsOf(release, work));
  }
  const libraries = await librariesOf(root);
  const loader = (await Promise.all(libraries.split(delimiter).map(loadersIn))).flat()[0];
  if (loader === undefined) {
    throw new Error(`Expected ${name} of Debian ${release} to come with a loader, got none in ${root}`);
  }
  return { root, libraries, loader };
}

/** Has apt see nothing but that release, and nothing installed. */
async function settingsOf(release: string, work: string): Promise<Record<string, string>> {
  const sources = join(work, 'sources.list');
  const status = join(work, 'status');
  await writeFile(sources, `deb ${await mirror()} ${release} main\n`);
  await writeFile(status, '');
  return {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State::status': status,
  };
}

async function mirror(): Promise<string> {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages'];
  const { stdout } = await run('apt-get', ['indextargets', ...format]);
  const found = stdout.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined) {
    throw new Error(`Expected the sources of apt to name a mirror of Debian, got:\n${stdout}`);
  }
  return found;
}

async function loadersIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files.filter((file) => /^ld-.*\.so/.test(file)).map((file) => join(folder, file));
}
