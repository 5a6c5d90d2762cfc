import type { HandlerShape } from '../../handlers/handler-shape.js';
import { SchematicError } from '../schematic.error.js';
import { pickEntity } from './entity.js';
import type { Entity } from './entity.js';
import type { SourceKind } from './handler.template.js';
import { isInteractive, promptChoice } from './prompt.js';
import type { Choice } from './prompt.js';

/** Schematic options that select what is generated. */
export interface ChoiceOptions {
  readonly handler?: HandlerShape;
  readonly source?: SourceKind;
  readonly entity?: string;
  /** The three above as `handler[:source[:Entity]]`, such as `range:id-range:Message`. */
  readonly type?: string;
}

/** The resolved selection. */
export interface Choices {
  readonly shape: HandlerShape;
  readonly source: SourceKind;
  readonly entity: Entity;
}

const SHAPES: readonly Choice<HandlerShape>[] = [
  { value: 'range', label: 'range - processRange: the handler queries the range, usually in one statement' },
  { value: 'batch', label: 'batch - processBatch: the loaded entities of a range' },
  { value: 'row', label: 'row   - processRow: one entity per call, several calls concurrently' },
];

const SOURCES: readonly Choice<SourceKind>[] = [
  { value: 'id-range', label: 'id-range - equal strides of an integer key, for dense tables' },
  { value: 'keyset', label: 'keyset   - any indexed columns, for sparse ids, UUIDs and filters' },
];

/**
 * Resolves the selection from the options, then from prompts on a terminal, then from defaults.
 *
 * @param root source root of the app, for error messages
 * @throws SchematicError for an unknown value, no or several entities, or a key that `idRange` cannot divide
 */
export async function resolveChoices(
  options: ChoiceOptions,
  entities: readonly Entity[],
  root: string,
): Promise<Choices> {
  const [handler, source, entityName] = (options.type ?? '').split(':');
  // `--type` disables prompts, so that a script that runs on a terminal does not block.
  const prompts = options.type === undefined && isInteractive();
  const givenSource = oneOf('source', options.source || source, SOURCES);
  const shape =
    oneOf('handler', options.handler || handler, SHAPES) ??
    (prompts ? await promptChoice('Which handler type?', SHAPES) : undefined) ??
    'range';
  const names = entities.map(({ name }) => ({ value: name, label: name }));
  const name =
    (options.entity || entityName || undefined) ??
    (prompts && names.length > 1 ? await promptChoice('Which entity?', names) : undefined);
  // Before the source, which its key decides.
  const entity = pickEntity(entities, root, name);
  const suitable = SOURCES.filter(({ value }) => value === 'keyset' || entity.key.type !== 'other');
  const byDefault = shape === 'range' && entity.key.type === 'integer' ? 'id-range' : 'keyset';
  const ordered = suitable.toSorted((a, b) => Number(b.value === byDefault) - Number(a.value === byDefault));
  const asked = prompts && givenSource === undefined && ordered.length > 1;
  const kind = givenSource ?? (asked ? await promptChoice('Which source?', ordered) : undefined) ?? byDefault;
  if (!suitable.some(({ value }) => value === kind)) {
    throw new SchematicError(
      `Expected an entity with one primary key of type number or bigint for id-range, got ${entity.name} with ` +
        `${entity.key.names.join(', ')} (${entity.path}). Use keyset: --type ${shape}:keyset:${entity.name}.`,
    );
  }
  return { shape, source: kind, entity };
}

function oneOf<Value extends string>(
  field: string,
  given: string | undefined,
  choices: readonly Choice<Value>[],
): Value | undefined {
  const found = choices.find(({ value }) => value === given);
  if (given && found === undefined) {
    const values = choices.map(({ value }) => value).join(' or ');
    throw new SchematicError(`Expected ${field} to be ${values}, got ${JSON.stringify(given)}.`);
  }
  return found?.value;
}
