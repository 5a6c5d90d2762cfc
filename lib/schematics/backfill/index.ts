import { posix } from 'node:path';
import type { Rule, SchematicContext, Tree } from '@angular-devkit/schematics';
import type { HandlerShape } from '../../discovery/handler-shape.js';
import { isEsm, nearestModuleOf, sourceRootOf } from '../project/app-project.js';
import type { ProjectOptions } from '../project/app-project.js';
import { readJsonText, readText } from '../project/json-text.js';
import { SchematicError } from '../schematic.error.js';
import { ModuleSource } from '../source/module-source.js';
import { typescriptOf } from '../source/typescript-api.js';
import { findEntity, specifier } from './entity.js';
import { handlerNames } from './handler-names.js';
import { handlerText } from './handler-text.js';
import type { HandlerPlan, SourceKind } from './handler-text.js';
import { specText } from './spec-text.js';

interface BackfillSchematicOptions extends ProjectOptions {
  readonly name: string;
  readonly path?: string;
  readonly handler?: HandlerShape;
  readonly source?: SourceKind;
  readonly entity?: string;
  readonly type?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
  readonly skipImport?: boolean;
}

const DRIVERS = ['postgresql', 'mysql', 'mariadb', 'mssql', 'sqlite', 'libsql'];

/** Creates a handler and its test, and adds it to the providers of the nearest module. */
export function backfill(options: BackfillSchematicOptions): Rule {
  return (tree, context) => {
    const root = sourceRootOf(tree, options);
    const names = handlerNames(posix.basename(options.name));
    if (names.name === '') {
      throw new SchematicError(
        `Expected a name such as reencrypt-messages, got ${JSON.stringify(options.name)}.`,
      );
    }
    const folder = posix.join(
      root,
      options.path ?? '',
      posix.dirname(options.name),
      options.flat ? '' : names.name,
    );
    const file = posix.join(folder, `${names.name}.backfill.ts`);
    const esm = isEsm(tree, folder);
    const shapes = chosen(options);
    const entity = findEntity(tree, root, shapes.entity);
    const plan: HandlerPlan = { ...names, ...shapes, entity, entityFrom: specifier(file, entity.path, esm) };
    create(tree, context, file, handlerText(plan));
    if (options.spec !== false) {
      const spec = posix.join(folder, `${names.name}.backfill.${options.specFileSuffix ?? 'spec'}.ts`);
      create(tree, context, spec, specText(plan, driverOf(tree), esm));
    }
    if (options.skipImport !== true) {
      const module = nearestModuleOf(tree, file, options);
      const source = new ModuleSource(typescriptOf(process.cwd()), module, readText(tree, module) ?? '');
      const from = specifier(module, file, esm);
      const { className } = names;
      tree.overwrite(
        module,
        source.with({ list: 'providers', symbol: className, from, expression: className }),
      );
    }
  };
}

/** What is given, in whichever option, and what follows from it. */
export function chosen(options: Pick<BackfillSchematicOptions, 'handler' | 'source' | 'entity' | 'type'>) {
  const [handler, source, entity] = (options.type ?? '').split(':');
  const shape = oneOf('handler', options.handler || handler || 'range', ['range', 'batch', 'row'] as const);
  const kind = options.source || source || (shape === 'range' ? 'id-range' : 'keyset');
  return {
    shape,
    source: oneOf('source', kind, ['id-range', 'keyset'] as const),
    entity: options.entity || entity || undefined,
  };
}

function oneOf<const Word extends string>(field: string, got: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === got);
  if (found === undefined) {
    throw new SchematicError(`Expected ${field} to be ${words.join(' or ')}, got ${JSON.stringify(got)}.`);
  }
  return found;
}

// Somebody may have worked on it since: what is there stays.
function create(tree: Tree, context: SchematicContext, path: string, text: string): void {
  if (tree.exists(path)) {
    context.logger.info(`${path} exists already and stays as it is`);
  } else {
    tree.create(path, text);
  }
}

function driverOf(tree: Tree): string {
  const manifest = readJsonText(tree, 'package.json') as
    { dependencies?: Record<string, string> } | undefined;
  const found = DRIVERS.find((driver) => manifest?.dependencies?.[`@mikro-orm/${driver}`] !== undefined);
  return `@mikro-orm/${found ?? 'postgresql'}`;
}
