import { RequestContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/core';

/**
 * Runs work in a `RequestContext`, in which injected entity managers and repositories resolve to the given entity
 * manager. It is created on first use: a handler that needs none does not pay for one.
 */
export function inRequestScope<T>(em: () => EntityManager, work: () => T): T {
  return RequestContext.create([], () => {
    const context = RequestContext.currentRequestContext();
    if (context) {
      context.map.get = (name) => (em().name === name ? em() : undefined);
    }
    return work();
  });
}
