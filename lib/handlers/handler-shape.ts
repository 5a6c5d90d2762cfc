import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';

/** Which of the three methods a handler implements. */
export type HandlerShape = 'range' | 'batch' | 'row';

const METHODS: readonly (readonly [HandlerShape, string])[] = [
  ['range', 'processRange'],
  ['batch', 'processBatch'],
  ['row', 'processRow'],
];

/** Determines the shape of a handler from its methods; throws unless it has exactly one of them. */
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
