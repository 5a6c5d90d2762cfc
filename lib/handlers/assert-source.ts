import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import type { HandlerShape } from './handler-shape.js';

/** Throws `BackfillDefinitionError` where a source lacks a method that a handler of the shape needs. */
export function assertSource(source: unknown, shape: HandlerShape, name: string): void {
  const required = [
    'open',
    'plan',
    ...{ range: [], batch: ['load'], row: ['load', 'keyOf', 'loadKeys'] }[shape],
  ];
  const isObject = typeof source === 'object' && source !== null;
  const missing = required.filter(
    (method) => typeof (isObject && Reflect.get(source, method)) !== 'function',
  );
  if (missing.length > 0) {
    throw new BackfillDefinitionError(
      `The source of backfill "${name}" must have the methods ${required.join(', ')} for a ${shape} handler; ` +
        `it lacks ${missing.join(', ')}. Use idRange(...), keyset(...), or implement BackfillSource.`,
    );
  }
}
