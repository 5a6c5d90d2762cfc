import type { ActorResolver } from '../admin.options.js';
import type { AdminRequest } from './admin-request.js';

const USER_PROPERTIES = ['name', 'username', 'email', 'id', 'sub'] as const;
const MAX_LENGTH = 200;

/** Who sent a request, for the history: from the option `actor`, else from `request.user`. */
export async function actorOf(
  request: AdminRequest,
  resolver: ActorResolver | undefined,
): Promise<string | undefined> {
  const actor = resolver ? await resolver(request) : nameOf(request.user);
  return actor ? actor.slice(0, MAX_LENGTH) : undefined;
}

function nameOf(user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) {
    return typeof user === 'string' ? user : undefined;
  }
  return USER_PROPERTIES.map((name): unknown => Reflect.get(user, name))
    .filter((value) => typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    .map(String)
    .find((value) => value !== '');
}
