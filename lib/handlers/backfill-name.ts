const VALID = /^[a-z0-9][a-z0-9._-]*$/;

/** The pattern of a valid name, for error messages. */
export const NAME_RULE = '[a-z0-9][a-z0-9._-]*';

/** The class name in kebab case without the suffix `Backfill`: `reencrypt-messages` for `ReencryptMessagesBackfill`. */
export function nameFromClass(className: string): string {
  const bare = className.replace(/Backfill$/, '') || className;
  return bare
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}

export function isValidName(name: string): boolean {
  return VALID.test(name);
}
