import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { sourceFiles } from '../project/tree-files.js';
import type { SourceFileText } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';

/** An entity declaration found in the sources of the app. */
export interface Entity {
  readonly name: string;
  /** File that declares it. */
  readonly path: string;
  /** Whether it is a class, which is a type as well; the result of `defineEntity` is only a value. */
  readonly isClass: boolean;
  /** Property of the primary key; `id` when the declaration does not show it. */
  readonly key: string;
}

const DECLARATION =
  /@Entity\s*\([\s\S]*?\)\s*export\s+class\s+(\w+)|export\s+const\s+(\w+)\s*=\s*(?:defineEntity\s*\(|new\s+EntitySchema\b)/g;

/** Finds the entities declared in the sources below a folder. */
export function entitiesBelow(tree: Tree, root: string): Entity[] {
  return [...sourceFiles(tree, root)].flatMap(entitiesIn);
}

/**
 * Selects the entity with a name; without a name, the only entity of the app.
 *
 * @throws SchematicError when none or several match
 */
export function pickEntity(entities: readonly Entity[], root: string, name: string | undefined): Entity {
  const matching = name ? entities.filter((entity) => entity.name === name) : entities;
  const [first] = matching;
  if (first === undefined || matching.length > 1) {
    const known = entities.map((entity) => `${entity.name} (${entity.path})`).join(', ') || 'none';
    throw new SchematicError(
      `Expected ${name ? `one entity ${name}` : 'the name of an entity'} below ${root}. Found: ${known}. ` +
        'Pass its name: nest g -c nestjs-backfill backfill <name> --type range:id-range:Message.',
    );
  }
  return first;
}

function entitiesIn({ path, text }: SourceFileText): Entity[] {
  return [...text.matchAll(DECLARATION)].map(([, className, constant], at, all) => {
    const body = text.slice(all[at]?.index ?? 0, all[at + 1]?.index);
    const key =
      /@PrimaryKey\s*\([^@]*?\)\s*(?:readonly\s+|public\s+)*(\w+)/.exec(body)?.[1] ??
      /(\w+)\s*:\s*p\b[^,\n]*\.primary\(/.exec(body)?.[1] ??
      /(\w+)\s*:\s*\{[^}]*primary\s*:\s*true/.exec(body)?.[1] ??
      'id';
    return { name: className ?? constant ?? '', path, isClass: className !== undefined, key };
  });
}

/** The relative import specifier from one file to another. */
export function relativeSpecifier(from: string, to: string, esm: boolean): string {
  const relative = posix.relative(posix.dirname(from), to).replace(/\.ts$/, esm ? '.js' : '');
  return relative.startsWith('.') ? relative : `./${relative}`;
}
