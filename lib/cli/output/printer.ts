import { clearScreenDown, moveCursor } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { styleFor } from './style.js';
import type { Style } from './style.js';

const DEFAULT_COLUMNS = 100;

/** Writes the output of commands: text, or with `--json` one JSON value per line. */
export class Printer {
  readonly style: Style;
  /** Whether text goes to a terminal, where it can be redrawn. */
  readonly terminal: boolean;
  private drawnLines = 0;

  constructor(
    private readonly out: NodeJS.WritableStream,
    env: NodeJS.ProcessEnv,
    readonly json: boolean,
  ) {
    this.terminal = !json && Reflect.get(out, 'isTTY') === true;
    this.style = json ? (_format, text) => text : styleFor(out, env);
  }

  get columns(): number {
    const columns: unknown = Reflect.get(this.out, 'columns');
    return typeof columns === 'number' && columns > 0 ? columns : DEFAULT_COLUMNS;
  }

  /** Writes a value as JSON, or as the text that `format` renders. */
  print<Value>(value: Value, format: (value: Value, style: Style) => string): void {
    const text = this.json ? JSON.stringify(value, bigintAsString) : format(value, this.style);
    this.out.write(`${text}\n`);
  }

  /** Writes lines in place of those of the previous call. */
  redraw(lines: readonly string[]): void {
    if (this.drawnLines > 0) {
      moveCursor(this.out, 0, -this.drawnLines);
      clearScreenDown(this.out);
    }
    const truncated = lines.map((line) => truncate(line, this.columns));
    this.out.write(`${truncated.join('\n')}\n`);
    this.drawnLines = truncated.length;
  }
}

function bigintAsString(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Truncates a line to the terminal: a wrapped line would occupy two rows, and `redraw` counts one. */
function truncate(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
