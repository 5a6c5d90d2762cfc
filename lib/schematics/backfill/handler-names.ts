import { nameFromClass } from '../../handlers/backfill-name.js';

/** Names derived from the `name` option, such as `reencrypt messages` or `ReencryptMessages`. */
export interface HandlerNames {
  /** Name of the backfill and of its files: `reencrypt-messages`. */
  readonly name: string;
  /** Name of the handler class: `ReencryptMessages`. */
  readonly className: string;
}

/** Derives the names; `name` is empty when the option has no letter or digit. */
export function handlerNames(option: string): HandlerNames {
  const name = nameFromClass(option.trim())
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const className = name.replaceAll(/(?:^|-)([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  return { name, className };
}
