import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../../..');
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };

export const NODE_MODULES = join(root, 'node_modules');

/** Transpiles the schematics and the folders that they import into a package of their own. */
export async function buildSchematics(folder: string): Promise<void> {
  const lib = join(root, 'lib');
  const files = (await readdir(lib, { recursive: true })).filter((file) =>
    /^(?:schematics|handlers|errors)\/.*\.(?:ts|json)$/.test(file),
  );
  for (const file of files) {
    const target = join(folder, 'dist', file);
    await mkdir(dirname(target), { recursive: true });
    if (file.endsWith('.ts')) {
      const { outputText } = ts.transpileModule(await readFile(join(lib, file), 'utf8'), { compilerOptions });
      await writeFile(target.replace(/\.ts$/, '.js'), outputText);
    } else {
      await cp(join(lib, file), target);
    }
  }
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(NODE_MODULES, join(folder, 'node_modules'));
}
