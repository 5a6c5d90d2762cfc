import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { sourceFiles } from '../project/tree-files.js';
import type { SourceFileText } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { primaryKeyIn } from './primary-key.js';
import type { PrimaryKey } from './primary-key.js';

/** An entity declaration found in the sources of the app. */
export interface Entity {
  readonly name: string;
  /** File that declares it. */
  readonly path: string;
  /** Whether it is a class, which is a type as well; the result of `defineEntity` is only a value. */
  readonly isClass: boolean;
  /** `id` of an unknown type when neither the declaration nor a base class in the sources shows it. */
  readonly key: PrimaryKey;
}

const DECLARATION =
  /@Entity\s*\([\s\S]*?\)\s*export\s+class\s+(\w+)|export\s+const\s+(\w+)\s*=\s*(?:defineEntity\s*\(|new\s+EntitySchema\b)/g;
const CLASS = /\bclass\s+(\w+)(?:<[^{]*?>)?(?:\s+extends\s+(\w+))?/g;
const UNKNOWN_KEY: PrimaryKey = { names: ['id'], type: 'unknown' };

/** Finds the entities declared in the sources below a folder. */
export function entitiesBelow(tree: Tree, root: string): Entity[] {
  const files = [...sourceFiles(tree, root)];
  const classes = new Map(files.flatMap(({ text }) => [...classesIn(text)]));
  return files.flatMap((file) => entitiesIn(file, classes));
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

/** The relative import specifier from one file to another. */
export function relativeSpecifier(from: string, to: string, esm: boolean): string {
  const relative = posix.relative(posix.dirname(from), to).replace(/\.ts$/, esm ? '.js' : '');
  return relative.startsWith('.') ? relative : `./${relative}`;
}

interface ClassText {
  readonly text: string;
  readonly base: string | undefined;
}

function entitiesIn({ path, text }: SourceFileText, classes: ReadonlyMap<string, ClassText>): Entity[] {
  return [...text.matchAll(DECLARATION)].map(([, className, constant], at, all) => {
    const body = text.slice(all[at]?.index ?? 0, all[at + 1]?.index);
    const inherited = className === undefined ? undefined : inheritedKey(className, classes);
    return {
      name: className ?? constant ?? '',
      path,
      isClass: className !== undefined,
      key: primaryKeyIn(body) ?? inherited ?? UNKNOWN_KEY,
    };
  });
}

/** The key that the nearest base class in the sources declares. */
function inheritedKey(name: string, classes: ReadonlyMap<string, ClassText>): PrimaryKey | undefined {
  const seen = new Set<string>();
  for (let at = classes.get(name); at?.base !== undefined && !seen.has(at.base); at = classes.get(at.base)) {
    seen.add(at.base);
    const key = primaryKeyIn(classes.get(at.base)?.text ?? '');
    if (key !== undefined) {
      return key;
    }
  }
  return undefined;
}

function* classesIn(text: string): Generator<[string, ClassText]> {
  const found = [...text.matchAll(CLASS)];
  for (const [at, { index, 1: name = '', 2: base }] of found.entries()) {
    yield [name, { text: text.slice(index, found[at + 1]?.index), base }];
  }
}
