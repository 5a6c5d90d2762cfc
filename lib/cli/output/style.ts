import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Styles text with ANSI escape codes, or returns it unchanged where the output has no color. */
export type Style = (format: Format, text: string) => string;

/** Colors are used on a terminal only, unless `NO_COLOR` is set or `TERM` is `dumb`. */
export function styleFor(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): Style {
  const terminal = Reflect.get(stream, 'isTTY') === true;
  const colored = terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return colored
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text;
}
