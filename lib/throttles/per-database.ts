import type { BackfillThrottle } from './backfill-throttle.js';

/**
 * A throttle that remembers what it has read, once for each database: the same throttle is measured for backfills in several
 * databases, and the readings of one say nothing about another.
 */
export function perDatabase(create: () => BackfillThrottle): BackfillThrottle {
  const throttles = new WeakMap<object, BackfillThrottle>();
  return {
    ...create(),
    measure: (context) => {
      const connection = context.em.getConnection('write');
      const throttle = throttles.get(connection) ?? create();
      throttles.set(connection, throttle);
      return throttle.measure(context);
    },
  };
}
