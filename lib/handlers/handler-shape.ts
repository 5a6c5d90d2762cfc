import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';

/** The type of a handler, by the one of the three methods that it implements. */
export type HandlerShape = 'range' | 'batch' | 'row';

const METHODS: readonly (readonly [HandlerShape, string])[] = [
  ['range', 'processRange'],
  ['batch', 'processBatch'],
  ['row', 'processRow'],
];

/** The type of a handler; throws `BackfillDefinitionError` unless it has exactly one of the methods. */
export function shapeOf(handler: object, className: string): HandlerShape {
  const found = METHODS.filter(([, method]) => typeof Reflect.get(handler, method) === 'function');
  const [only] = found;
  if (only && found.length === 1) {
    return only[0];
  }
  const got = found.length === 0 ? 'none of them' : found.map(([, method]) => method).join(' and ');
  throw new BackfillDefinitionError(
    `${className} must have exactly one of the methods processRange, processBatch and processRow; it has ${got}. ` +
      'Implement RangeHandler, BatchHandler or RowHandler.',
  );
}
