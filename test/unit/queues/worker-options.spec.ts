import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { workerOptions } from '../../../lib/queues/queue-map.js';

const client = new Redis({ lazyConnect: true });

it('looks for expired locks often enough that ranges of a killed process begin elsewhere soon after their end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 3_600_000 }), (lockDuration) => {
      const { stalledInterval = Infinity } = workerOptions(client, 'test', lockDuration);
      expect(stalledInterval).toBeGreaterThanOrEqual(500);
      expect(stalledInterval).toBeLessThanOrEqual(Math.max(500, lockDuration / 10));
    }),
  );
});
