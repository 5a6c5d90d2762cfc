import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { sourceFiles } from '../project/source-files.js';
import { SchematicError } from '../schematic.error.js';

/** An entity of the app, as far as its source tells. */
export interface Entity {
  readonly name: string;
  readonly path: string;
  /** A class is a type as well, what `defineEntity` makes is not. */
  readonly isClass: boolean;
  /** Its primary key; `id` where the source does not tell. */
  readonly key: string;
}

const DECLARED =
  /@Entity\s*\([\s\S]*?\)\s*export\s+class\s+(\w+)|export\s+const\s+(\w+)\s*=\s*(?:defineEntity\s*\(|new\s+EntitySchema\b)/g;

/** The entities that the sources below a folder declare. */
export function entitiesBelow(tree: Tree, root: string): Entity[] {
  return [...sourceFiles(tree, root)].flatMap(entitiesIn);
}

/** The entity of that name, or the only one of the app. */
export function pickEntity(entities: readonly Entity[], root: string, name: string | undefined): Entity {
  const fitting = name ? entities.filter((entity) => entity.name === name) : entities;
  const [only] = fitting;
  if (only === undefined || fitting.length > 1) {
    const known = entities.map((entity) => `${entity.name} (${entity.path})`).join(', ') || 'none';
    throw new SchematicError(
      `Expected ${name ? `one entity ${name}` : 'the name of an entity'} below ${root}. Found: ${known}. ` +
        'Name it: nest g -c nestjs-backfill backfill <name> --type range:id-range:Message.',
    );
  }
  return only;
}

function entitiesIn({ path, text }: { path: string; text: string }): Entity[] {
  return [...text.matchAll(DECLARED)].map(([, className, constant], at, all) => {
    const from = all[at]?.index ?? 0;
    const body = text.slice(from, all[at + 1]?.index);
    const key =
      /@PrimaryKey\s*\([^@]*?\)\s*(?:readonly\s+|public\s+)*(\w+)/.exec(body)?.[1] ??
      /(\w+)\s*:\s*p\b[^,\n]*\.primary\(/.exec(body)?.[1] ??
      /(\w+)\s*:\s*\{[^}]*primary\s*:\s*true/.exec(body)?.[1] ??
      'id';
    return { name: className ?? constant ?? '', path, isClass: className !== undefined, key };
  });
}

/** The specifier that leads from one file to another. */
export function specifier(from: string, to: string, esm: boolean): string {
  const relative = posix.relative(posix.dirname(from), to).replace(/\.ts$/, esm ? '.js' : '');
  return relative.startsWith('.') ? relative : `./${relative}`;
}
