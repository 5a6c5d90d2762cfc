import { posix } from 'node:path';
import type { SchematicContext, TaskConfigurationGenerator, TaskId, Tree } from '@angular-devkit/schematics';

/** Fields used of `package.json`. */
export interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Adds dependencies to the text of a `package.json`, sorted as npm sorts them; the indentation is kept. */
export function withDependencies(
  text: string,
  added: Readonly<Record<string, string>>,
  list: 'dependencies' | 'devDependencies' = 'dependencies',
): string {
  const manifest = JSON.parse(text) as Manifest & Record<string, unknown>;
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  const dependencies = Object.fromEntries(
    Object.entries({ ...manifest[list], ...added }).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
  );
  return (
    JSON.stringify({ ...manifest, [list]: dependencies }, null, indent) + (text.endsWith('\n') ? '\n' : '')
  );
}

/** Installs the packages of `package.json` after the files are written. */
export function scheduleInstall(tree: Tree, context: SchematicContext): TaskId {
  return context.addTask(new PackageInstallTask(packageManagerOf(tree)));
}

/** Text for the log: `name@range, name@range`. */
export function namesOf(added: Readonly<Record<string, string>>): string {
  return Object.entries(added)
    .map((it) => it.join('@'))
    .join(', ');
}

/** `NodePackageInstallTask` of the devkit without importing the devkit at run time. */
class PackageInstallTask implements TaskConfigurationGenerator<object> {
  constructor(private readonly packageManager: string) {}

  toConfiguration() {
    const { packageManager } = this;
    return {
      name: 'node-package',
      options: { command: 'install', quiet: true, hideOutput: false, packageManager },
    };
  }
}

function packageManagerOf(tree: Tree): string {
  const locks = { 'pnpm-lock.yaml': 'pnpm', 'yarn.lock': 'yarn', 'bun.lockb': 'bun', 'bun.lock': 'bun' };
  return Object.entries(locks).find(([file]) => tree.exists(posix.join('/', file)))?.[1] ?? 'npm';
}
