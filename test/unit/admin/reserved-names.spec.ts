import { describe, expect, it } from '@jest/globals';
import { ReservedNameChecker } from '../../../lib/admin/reserved-name.checker.js';
import type { BackfillRegistry } from '../../../lib/handlers/backfill.registry.js';

const check = (name: string) => {
  const registry = { find: (wanted: string) => (wanted === name ? {} : undefined) };
  return () => new ReservedNameChecker(registry as unknown as BackfillRegistry).onApplicationBootstrap();
};

describe('the names of backfills where the endpoints are mounted', () => {
  it.each(['ui', 'events', 'overview', 'hold', 'budget'])(
    '%s is reserved, as there is such a route',
    (name) => {
      expect(check(name)).toThrow(`A backfill cannot be named "${name}"`);
    },
  );

  // `hold/release` and `:name/override` do not hide them.
  it.each(['release', 'override', 'start', 'holds', 'Hold', '*'])('%s is free', (name) => {
    expect(check(name)).not.toThrow();
  });
});
