import { posix } from 'node:path';
import type { Rule, SchematicContext, Tree } from '@angular-devkit/schematics';
import { isEsm, nearestModuleOf, sourceRootOf, targetFolderOf } from '../project/app-project.js';
import type { ProjectOptions } from '../project/app-project.js';
import { readJson } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { addToModule } from '../source/module-source.js';
import { resolveChoices } from './choices.js';
import type { ChoiceOptions } from './choices.js';
import { entitiesBelow, pickEntity, relativeSpecifier } from './entity.js';
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
}

const DRIVERS = ['postgresql', 'mysql', 'mariadb', 'mssql', 'sqlite', 'libsql'];

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
    const entities = entitiesBelow(tree, root);
    const choices = await resolveChoices(
      options,
      entities.map((it) => it.name),
    );
    const entity = pickEntity(entities, root, choices.entity);
    const template: HandlerTemplateOptions = {
      ...names,
      ...choices,
      entity,
      entitySpecifier: relativeSpecifier(file, entity.path, esm),
    };
    create(tree, context, file, renderHandler(template));
    if (options.spec !== false) {
      const spec = posix.join(folder, `${names.name}.backfill.${options.specFileSuffix ?? 'spec'}.ts`);
      create(tree, context, spec, renderSpec(template, driverOf(tree), esm));
    }
    if (options.skipImport !== true) {
      const module = nearestModuleOf(tree, file, options);
      const from = relativeSpecifier(module, file, esm);
      const { className } = names;
      addToModule(tree, module, { list: 'providers', symbol: className, from, expression: className });
    }
  };
}

/** Creates a file; an existing one may contain changes of the developer and is never overwritten. */
function create(tree: Tree, context: SchematicContext, path: string, text: string): void {
  if (tree.exists(path)) {
    context.logger.info(`${path} already exists and is not overwritten`);
  } else {
    tree.create(path, text);
  }
}

function driverOf(tree: Tree): string {
  const manifest = readJson(tree, 'package.json') as { dependencies?: Record<string, string> } | undefined;
  const found = DRIVERS.find((driver) => manifest?.dependencies?.[`@mikro-orm/${driver}`] !== undefined);
  return `@mikro-orm/${found ?? 'postgresql'}`;
}
