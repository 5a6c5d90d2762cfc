import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NODE_MODULES = join(ROOT, 'node_modules');

/** What Nest's command line needs to build the package. */
const SOURCES = ['lib', 'package.json', 'nest-cli.json', 'tsconfig.json'];

/** Builds the package as `npm run build` does, in a folder of its own: other tests may build meanwhile. */
export async function buildPackage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of SOURCES) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  await symlink(NODE_MODULES, join(folder, 'node_modules'));
  await run(process.execPath, [join(NODE_MODULES, '@nestjs/cli/bin/nest.js'), 'build'], { cwd: folder });
}
