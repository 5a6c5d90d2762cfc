import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours text, or leaves it as it is where nobody looks at a terminal. */
export type Style = (format: Format, text: string) => string;

/** Colour goes to a terminal only, and not where `NO_COLOR` is set. */
export function styleFor(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): Style {
  const terminal = Reflect.get(stream, 'isTTY') === true;
  const coloured = terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return coloured
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text;
}
