import { clearScreenDown, moveCursor } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { styleFor } from './style.js';
import type { Style } from './style.js';

/** Writes answers: text for people, one JSON value a line for scripts. */
export class Printer {
  readonly style: Style;
  /** True where what was written can be written over. */
  readonly terminal: boolean;
  private drawn = 0;

  constructor(
    private readonly out: NodeJS.WritableStream,
    env: NodeJS.ProcessEnv,
    /** Whether scripts read it. */
    readonly json: boolean,
  ) {
    this.terminal = !json && Reflect.get(out, 'isTTY') === true;
    this.style = json ? (_format, text) => text : styleFor(out, env);
  }

  get columns(): number {
    const columns: unknown = Reflect.get(this.out, 'columns');
    return typeof columns === 'number' && columns > 0 ? columns : 100;
  }

  /** Writes the value as JSON, or as the text that `human` makes of it. */
  answer<Value>(value: Value, human: (value: Value, style: Style) => string): void {
    const text = this.json ? JSON.stringify(value, bigintAsText) : human(value, this.style);
    this.out.write(`${text}\n`);
  }

  /** Writes lines over those of the last call. */
  redraw(lines: readonly string[]): void {
    if (this.drawn > 0) {
      moveCursor(this.out, 0, -this.drawn);
      clearScreenDown(this.out);
    }
    const fitting = lines.map((line) => cut(line, this.columns));
    this.out.write(`${fitting.join('\n')}\n`);
    this.drawn = fitting.length;
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

// A line that wraps would be two on the screen, and the next redraw would leave half of it behind.
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : `${plain.slice(0, columns - 1)}…`;
}
