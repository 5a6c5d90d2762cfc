import { posix } from 'node:path';
import type { Rule, SchematicContext, TaskConfigurationGenerator, Tree } from '@angular-devkit/schematics';
import { appModuleOf, sourceRootOf } from '../project/app-project.js';
import type { ProjectOptions } from '../project/app-project.js';
import { readText, sourceFiles } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { addToModule } from '../source/module-source.js';
import type { ModuleEntry } from '../source/module-source.js';
import { missingPeers, withDependencies } from './peers.js';
import type { Manifest } from './peers.js';

interface NestAddOptions extends ProjectOptions {
  readonly skipInstall?: boolean;
}

const MODULES: readonly Omit<ModuleEntry, 'list'>[] = [
  {
    symbol: 'BullModule',
    from: '@nestjs/bullmq',
    expression:
      "BullModule.forRoot({ connection: { url: process.env.REDIS_URL ?? 'redis://localhost:6379' } })",
  },
  { symbol: 'ScheduleModule', from: '@nestjs/schedule', expression: 'ScheduleModule.forRoot()' },
  { symbol: 'BackfillModule', from: 'nestjs-backfill', expression: 'BackfillModule.forRoot({})' },
];

/** Adds the missing modules to the root module and the missing peer dependencies to `package.json`. */
export function nestAdd(options: NestAddOptions): Rule {
  return (tree, context) => {
    const sources = [...sourceFiles(tree, sourceRootOf(tree, options))].map(({ text }) => text);
    const path = appModuleOf(tree, options);
    for (const entry of MODULES) {
      // Any module of the app may import it already: a second ScheduleModule would run every @Cron twice.
      if (sources.some((text) => callsForRoot(text, entry.symbol))) {
        continue;
      }
      addToModule(tree, path, { ...entry, list: 'imports' });
    }
    if (!sources.some((text) => callsForRoot(text, 'MikroOrmModule'))) {
      context.logger.warn(
        `nestjs-backfill uses the MikroORM of the app: add MikroOrmModule.forRoot({ ... }) from @mikro-orm/nestjs ` +
          `and a driver such as @mikro-orm/postgresql to ${path}.`,
      );
    }
    addPeers(tree, context, options.skipInstall === true);
  };
}

function callsForRoot(text: string, symbol: string): boolean {
  return new RegExp(`\\b${symbol}\\s*\\.\\s*forRoot(Async)?\\s*\\(`).test(text);
}

function addPeers(tree: Tree, context: SchematicContext, skipInstall: boolean): void {
  const text = readText(tree, 'package.json');
  if (text === undefined) {
    throw new SchematicError(
      'Expected a package.json in this folder, got none. Run nest add in the folder of the app.',
    );
  }
  const missing = missingPeers(JSON.parse(text) as Manifest);
  if (Object.keys(missing).length === 0) {
    return;
  }
  tree.overwrite('package.json', withDependencies(text, missing));
  context.logger.info(
    `added ${Object.entries(missing)
      .map((it) => it.join('@'))
      .join(', ')}`,
  );
  if (!skipInstall) {
    context.addTask(new PackageInstallTask(packageManagerOf(tree)));
  }
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
