import type { HandlerShape } from '../../handlers/handler-shape.js';
import { SchematicError } from '../schematic.error.js';
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
  /** `undefined`: the only entity of the app. */
  readonly entity: string | undefined;
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

/** Resolves the selection from the options, then from prompts on a terminal, then from defaults. */
export async function resolveChoices(options: ChoiceOptions, entities: readonly string[]): Promise<Choices> {
  const [handler, source, entity] = (options.type ?? '').split(':');
  // `--type` disables prompts, so that a script that runs on a terminal does not block.
  const prompts = options.type === undefined && isInteractive();
  const shape =
    oneOf('handler', options.handler || handler, SHAPES) ??
    (prompts ? await promptChoice('Which handler type?', SHAPES) : undefined) ??
    'range';
  const kind =
    oneOf('source', options.source || source, SOURCES) ??
    (prompts
      ? await promptChoice('Which source?', shape === 'range' ? SOURCES : SOURCES.toReversed())
      : undefined) ??
    (shape === 'range' ? 'id-range' : 'keyset');
  const choices = entities.map((value) => ({ value, label: value }));
  return {
    shape,
    source: kind,
    entity:
      (options.entity || entity || undefined) ??
      (prompts && choices.length > 1 ? await promptChoice('Which entity?', choices) : undefined),
  };
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
