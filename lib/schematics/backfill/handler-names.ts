import { nameFromClass } from '../../handlers/backfill-name.js';

/** `reencrypt messages` and `ReencryptMessages` as they are called in files and in code. */
export interface HandlerNames {
  /** `reencrypt-messages` */
  readonly name: string;
  /** `ReencryptMessages` */
  readonly className: string;
}

export function handlerNames(given: string): HandlerNames {
  const name = nameFromClass(given.trim())
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const className = name.replaceAll(/(?:^|-)([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  return { name, className };
}
