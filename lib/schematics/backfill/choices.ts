import type { HandlerShape } from '../../handlers/handler-shape.js';
import { SchematicError } from '../schematic.error.js';
import { canAsk, choose } from './ask.js';
import type { Choice } from './ask.js';
import type { SourceKind } from './handler-text.js';

/** The options that say what is generated. */
export interface ChoiceOptions {
  readonly handler?: HandlerShape;
  readonly source?: SourceKind;
  readonly entity?: string;
  /** The three above in one word, as `range:id-range:Message`. */
  readonly type?: string;
}

/** What was chosen. */
export interface Choices {
  readonly shape: HandlerShape;
  readonly source: SourceKind;
  /** `undefined`: the only one of the app. */
  readonly entity: string | undefined;
}

const SHAPES: readonly Choice<HandlerShape>[] = [
  { word: 'range', label: 'range - it does the work itself, mostly with one statement' },
  { word: 'batch', label: 'batch - the loaded rows of a range' },
  { word: 'row', label: 'row   - one row at a time, several at once' },
];

const SOURCES: readonly Choice<SourceKind>[] = [
  { word: 'id-range', label: 'id-range - strides of an integer key, for dense tables' },
  { word: 'keyset', label: 'keyset   - an index of any columns, for sparse ids, UUIDs and filters' },
];

/** What is given in whichever option, else asked for on a terminal, else what follows from the rest. */
export async function chosen(options: ChoiceOptions, entities: readonly string[]): Promise<Choices> {
  const [handler, source, entity] = (options.type ?? '').split(':');
  // Who gave one word has said all that is to be said: a script on a terminal is not to wait.
  const ask = options.type === undefined && canAsk();
  const shape =
    oneOf('handler', options.handler || handler, SHAPES) ??
    (ask ? await choose('What is the handler given?', SHAPES) : undefined) ??
    'range';
  const fitting = shape === 'range' ? SOURCES : SOURCES.toReversed();
  const kind =
    oneOf('source', options.source || source, SOURCES) ??
    (ask ? await choose('How is the table walked?', fitting) : undefined) ??
    (shape === 'range' ? 'id-range' : 'keyset');
  const named = options.entity || entity || undefined;
  const several = entities.map((word) => ({ word, label: word }));
  return {
    shape,
    source: kind,
    entity:
      named ?? (ask && several.length > 1 ? await choose('Which entity is walked?', several) : undefined),
  };
}

function oneOf<Word extends string>(
  field: string,
  got: string | undefined,
  choices: readonly Choice<Word>[],
): Word | undefined {
  const found = choices.find(({ word }) => word === got);
  if (got && found === undefined) {
    const words = choices.map(({ word }) => word).join(' or ');
    throw new SchematicError(`Expected ${field} to be ${words}, got ${JSON.stringify(got)}.`);
  }
  return found?.word;
}
