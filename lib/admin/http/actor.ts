import type { ActorResolver } from '../admin.options.js';
import type { AdminRequest } from './admin-request.js';

const NAMES = ['name', 'username', 'email', 'id', 'sub'] as const;
const LONGEST = 200;

/** Who sent a request: as the app's resolver says, else by `request.user`. */
export async function actorOf(
  request: AdminRequest,
  resolver: ActorResolver | undefined,
): Promise<string | undefined> {
  const actor = resolver ? await resolver(request) : nameOf(request.user);
  return actor ? actor.slice(0, LONGEST) : undefined;
}

function nameOf(user: unknown): string | undefined {
  if (typeof user !== 'object' || user === null) {
    return typeof user === 'string' ? user : undefined;
  }
  return NAMES.map((name): unknown => Reflect.get(user, name))
    .filter((value) => typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    .map(String)
    .find((value) => value !== '');
}
