import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';
import { installCommit, installTarball, type InstalledBuild } from '../../support/builds/index.js';
import { parseAgainst } from './parse-against.js';

const run = promisify(execFile);

/** The build that this one is measured beside. */
export interface EarlierBuild extends InstalledBuild {
  readonly label: string;
}

/** Installs the build that `--against` names. */
export async function installEarlierBuild(argument: string): Promise<EarlierBuild> {
  const against = parseAgainst(argument);
  if (against.kind === 'tarball') {
    const path = resolve(against.path);
    await access(path).catch((cause: unknown) => {
      throw new Error(`Expected a tarball after --against, got ${path}, which does not exist`, { cause });
    });
    return { label: basename(path, '.tgz'), ...(await installTarball(path)) };
  }
  const commit = await commitOf(against.revision);
  return { label: commit, ...(await installCommit(commit)) };
}

async function commitOf(revision: string): Promise<string> {
  try {
    const { stdout } = await run('git', [
      'rev-parse',
      '--verify',
      '--end-of-options',
      `${revision}^{commit}`,
    ]);
    return stdout.slice(0, 10);
  } catch (cause) {
    const expected = 'a tarball (.tgz) or a commit of this repository';
    throw new Error(`Expected ${expected} after --against, got ${revision}`, { cause });
  }
}
