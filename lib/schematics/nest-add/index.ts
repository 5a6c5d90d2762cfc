import type { Rule, SchematicContext, TaskId, Tree } from '@angular-devkit/schematics';
import { AppFormatter } from '../project/app-formatter.js';
import { appModuleOf, mainFileOf, sourceRootOf } from '../project/app-project.js';
import type { ProjectOptions } from '../project/app-project.js';
import { namesOf, scheduleInstall, withDependencies } from '../project/manifest.js';
import type { Manifest } from '../project/manifest.js';
import { missingTestDriver } from '../project/test-driver.js';
import { readText, sourceFiles } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { addToModule } from '../source/module-source.js';
import type { ModuleEntry } from '../source/module-source.js';
import { loadTypeScript } from '../source/typescript-api.js';
import { NextStepTask } from './next-step.js';
import { missingPeers } from './peers.js';
import { ENABLE_SHUTDOWN_HOOKS, withShutdownHooks } from './shutdown-hooks.js';

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

/**
 * Adds the missing modules to the root module, `enableShutdownHooks` to the main file, and the missing packages to
 * `package.json`.
 */
export function nestAdd(options: NestAddOptions): Rule {
  return async (tree, context) => {
    const sources = [...sourceFiles(tree, sourceRootOf(tree, options))].map(({ text }) => text);
    const path = appModuleOf(tree, options);
    const formatter = AppFormatter.of(tree, context);
    await formatter.edit(tree, path, () => addModules(tree, path, sources));
    await addShutdownHooks(tree, context, formatter, options, sources);
    const hasOrm = sources.some((text) => callsForRoot(text, 'MikroOrmModule'));
    if (!hasOrm) {
      context.logger.warn(
        `nestjs-backfill uses the MikroORM of the app: add MikroOrmModule.forRoot({ ... }) from @mikro-orm/nestjs ` +
          `and a driver such as @mikro-orm/postgresql to ${path}.`,
      );
    }
    const install = addPackages(tree, context, options.skipInstall === true);
    context.addTask(new NextStepTask(nextStepText(path, hasOrm)), install);
  };
}

function addModules(tree: Tree, path: string, sources: readonly string[]): void {
  for (const entry of MODULES) {
    // Any module of the app may import it already: a second ScheduleModule would run every @Cron twice.
    if (!sources.some((text) => callsForRoot(text, entry.symbol))) {
      addToModule(tree, path, { ...entry, list: 'imports' });
    }
  }
}

/** Without them SIGTERM ends the process at once, and the ranges in flight are held until they are found to be lost. */
async function addShutdownHooks(
  tree: Tree,
  context: SchematicContext,
  formatter: AppFormatter,
  options: ProjectOptions,
  sources: readonly string[],
): Promise<void> {
  if (sources.some((text) => text.includes(ENABLE_SHUTDOWN_HOOKS))) {
    return;
  }
  const path = mainFileOf(tree, options);
  const text = readText(tree, path);
  const changed =
    text === undefined ? undefined : withShutdownHooks(loadTypeScript(process.cwd()), path, text);
  if (changed === undefined) {
    context.logger.warn(
      `Found no app that is created in ${path}. Call app.${ENABLE_SHUTDOWN_HOOKS}() after it is created: without it ` +
        'SIGTERM ends the process at once, and its ranges are processed again by another one only after a while.',
    );
    return;
  }
  await formatter.edit(tree, path, () => tree.overwrite(path, changed));
}

function callsForRoot(text: string, symbol: string): boolean {
  return new RegExp(`\\b${symbol}\\s*\\.\\s*forRoot(Async)?\\s*\\(`).test(text);
}

/** The tasks that have to end before the next step is printed. */
function addPackages(tree: Tree, context: SchematicContext, skipInstall: boolean): TaskId[] {
  const text = readText(tree, 'package.json');
  if (text === undefined) {
    throw new SchematicError(
      'Expected a package.json in this folder, got none. Run nest add in the folder of the app.',
    );
  }
  const manifest = JSON.parse(text) as Manifest;
  const peers = missingPeers(manifest);
  const driver = missingTestDriver(tree, manifest);
  const added = { ...peers, ...driver };
  if (Object.keys(added).length === 0) {
    return [];
  }
  const withPeers = Object.keys(peers).length === 0 ? text : withDependencies(text, peers);
  const changed =
    Object.keys(driver).length === 0 ? withPeers : withDependencies(withPeers, driver, 'devDependencies');
  tree.overwrite('package.json', changed);
  context.logger.info(`added ${namesOf(added)}`);
  return skipInstall ? [] : [scheduleInstall(tree, context)];
}

function nextStepText(path: string, hasOrm: boolean): string {
  const generate = 'nest g -c nestjs-backfill backfill <name>';
  return hasOrm
    ? `Next step: ${generate}, which generates a handler and its test.`
    : `Next step: add MikroOrmModule.forRoot({ ... }) to ${path}. Then: ${generate}.`;
}
