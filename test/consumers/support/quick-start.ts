import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readReadme } from '../../e2e/readme/readme.js';
import { run } from './shell.js';

/** Does what the quick start says, in a new folder and to the letter. Answers what `npm start` printed. */
export async function followQuickStart(
  parent: string,
  tarball: string,
  services: NodeJS.ProcessEnv,
): Promise<string> {
  const { files, installs } = await readReadme();
  const folder = join(parent, 'quick-start');
  for (const [path, body] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), body);
  }
  for (const args of installs) {
    const packages = args.map((name) => (name === 'nestjs-backfill' ? `file:${tarball}` : name));
    await run(folder, 'npm', [...packages, '--no-audit', '--no-fund']);
  }
  return run(folder, 'npm', ['start'], services);
}
