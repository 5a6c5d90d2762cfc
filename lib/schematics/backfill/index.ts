import { posix } from 'node:path';
import type { Rule, SchematicContext, Tree } from '@angular-devkit/schematics';
import { AppFormatter } from '../project/app-formatter.js';
import { isEsm, nearestModuleOf, sourceRootOf, targetFolderOf } from '../project/app-project.js';
import type { ProjectOptions } from '../project/app-project.js';
import { namesOf, scheduleInstall, withDependencies } from '../project/manifest.js';
import type { Manifest } from '../project/manifest.js';
import { missingTestDriver, usesOnlyMongo } from '../project/test-driver.js';
import { readText } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { addToModule } from '../source/module-source.js';
import { resolveChoices } from './choices.js';
import type { ChoiceOptions } from './choices.js';
import { entitiesBelow, relativeSpecifier } from './entity.js';
import { handlerNames } from './handler-names.js';
import { renderHandler } from './handler.template.js';
import type { HandlerTemplateOptions } from './handler.template.js';
import { renderSpec } from './spec.template.js';

interface BackfillSchematicOptions extends ProjectOptions, ChoiceOptions {
  readonly name: string;
  readonly path?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
  readonly skipImport?: boolean;
  readonly skipInstall?: boolean;
}

/** Creates a backfill handler and its test, and adds the handler to the providers of the nearest module. */
export function backfill(options: BackfillSchematicOptions): Rule {
  return async (tree, context) => {
    const root = sourceRootOf(tree, options);
    const names = handlerNames(posix.basename(options.name));
    if (names.name === '') {
      throw new SchematicError(
        `Expected a name such as reencrypt-messages, got ${JSON.stringify(options.name)}.`,
      );
    }
    const folder = posix.join(
      targetFolderOf(tree, options),
      options.path ?? '',
      posix.dirname(options.name),
      options.flat ? '' : names.name,
    );
    const file = posix.join(folder, `${names.name}.backfill.ts`);
    const esm = isEsm(tree, folder);
    const choices = await resolveChoices(options, entitiesBelow(tree, root), root);
    const manifest = readText(tree, 'package.json') ?? '{}';
    const template: HandlerTemplateOptions = {
      ...names,
      ...choices,
      entitySpecifier: relativeSpecifier(file, choices.entity.path, esm),
      isMongo: usesOnlyMongo(JSON.parse(manifest) as Manifest),
    };
    const formatter = AppFormatter.of(tree, context);
    const create = async (path: string, text: string) => {
      // An existing one may contain changes of the developer and is never overwritten.
      if (tree.exists(path)) {
        context.logger.info(`${path} already exists and is not overwritten`);
      } else {
        tree.create(path, await formatter.format(path, text));
      }
    };
    await create(file, renderHandler(template));
    if (options.spec !== false) {
      const spec = posix.join(folder, `${names.name}.backfill.${options.specFileSuffix ?? 'spec'}.ts`);
      await create(spec, renderSpec(template, esm));
      addTestDriver(tree, context, manifest, options.skipInstall === true);
    }
    if (options.skipImport !== true) {
      const module = nearestModuleOf(tree, file, options);
      const from = relativeSpecifier(module, file, esm);
      const { className } = names;
      await formatter.edit(tree, module, () =>
        addToModule(tree, module, { list: 'providers', symbol: className, from, expression: className }),
      );
    }
  };
}

/** The test opens its database in memory, which needs a driver. */
function addTestDriver(tree: Tree, context: SchematicContext, manifest: string, skipInstall: boolean): void {
  const driver = missingTestDriver(tree, JSON.parse(manifest) as Manifest);
  if (Object.keys(driver).length === 0) {
    return;
  }
  tree.overwrite('package.json', withDependencies(manifest, driver, 'devDependencies'));
  context.logger.info(`added ${namesOf(driver)} to devDependencies, for the in-memory database of the test`);
  if (!skipInstall) {
    scheduleInstall(tree, context);
  }
}
