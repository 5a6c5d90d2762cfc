import type { Tree } from '@angular-devkit/schematics';
import type { ArrayLiteralExpression, ObjectLiteralExpression, SourceFile } from 'typescript';
import { readText } from '../project/tree-files.js';
import { SchematicError } from '../schematic.error.js';
import { importInsertions } from './named-import.js';
import type { NamedImport } from './named-import.js';
import { applyInsertions, lineEndingOf } from './text-insertion.js';
import type { TextInsertion } from './text-insertion.js';
import { loadTypeScript } from './typescript-api.js';
import type { TypeScriptApi } from './typescript-api.js';

/** An element of an array of `@Module`, with its import. */
export interface ModuleEntry extends NamedImport {
  readonly list: 'imports' | 'providers';
  /** The element, such as `ScheduleModule.forRoot()`. */
  readonly expression: string;
}

/** Adds an entry to the `@Module` of a file; leaves the file alone when the entry is present. */
export function addToModule(tree: Tree, path: string, entry: ModuleEntry): void {
  const text = readText(tree, path) ?? '';
  const changed = new ModuleSource(loadTypeScript(process.cwd()), path, text).with(entry);
  if (changed !== text) {
    tree.overwrite(path, changed);
  }
}

/**
 * A file with a `@Module` class, edited by insertions only, so that its formatting is kept.
 *
 * Not `ModuleDeclarator` of `@nestjs/schematics` (11.1, 12.0): it resolves the import of a package as a
 * relative path, imports a symbol twice, ignores a computed array silently, writes `imports` twice beside
 * a shorthand property, and mixes line endings.
 */
export class ModuleSource {
  private readonly file: SourceFile;

  constructor(
    private readonly ts: TypeScriptApi,
    private readonly path: string,
    private readonly text: string,
  ) {
    this.file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  }

  /**
   * The text with the entry; the same text when the array contains it already.
   *
   * @throws SchematicError when the file has no `@Module({ ... })`, or the array is not a literal
   */
  with(entry: ModuleEntry): string {
    const metadata = this.metadata();
    const array = this.array(metadata, entry);
    if (array?.elements.some((element) => isSameEntry(element.getText(this.file), entry.expression))) {
      return this.text;
    }
    const element = array
      ? this.appendTo(array, entry.expression)
      : this.newProperty(metadata, entry.list, entry.expression);
    return applyInsertions(this.text, [element, ...importInsertions(this.ts, this.file, entry)]);
  }

  private metadata(): ObjectLiteralExpression {
    const { ts, file } = this;
    const calls = file.statements
      .filter((statement) => ts.isClassDeclaration(statement))
      .flatMap((statement) => ts.getDecorators(statement) ?? [])
      .map(({ expression }) => expression)
      .filter((expression) => ts.isCallExpression(expression));
    for (const {
      expression,
      arguments: [argument],
    } of calls) {
      if (expression.getText(file) === 'Module' && argument && ts.isObjectLiteralExpression(argument)) {
        return argument;
      }
    }
    throw new SchematicError(`Expected a class with @Module({ ... }) in ${this.path}, got none.`);
  }

  private array(metadata: ObjectLiteralExpression, entry: ModuleEntry): ArrayLiteralExpression | undefined {
    const { ts } = this;
    const property = metadata.properties.find((it) => it.name?.getText(this.file) === entry.list);
    if (property === undefined) {
      return undefined;
    }
    if (ts.isPropertyAssignment(property) && ts.isArrayLiteralExpression(property.initializer)) {
      return property.initializer;
    }
    throw new SchematicError(
      `Expected ${entry.list} of @Module in ${this.path} to be an array literal. Add this element manually:\n` +
        `  ${entry.expression},   // import { ${entry.symbol} } from '${entry.from}'`,
    );
  }

  private appendTo(array: ArrayLiteralExpression, expression: string): TextInsertion {
    const start = array.getStart(this.file);
    const last = array.elements.at(-1);
    if (last === undefined) {
      return { at: start + 1, text: this.indentedLines(this.indentAt(start), expression) };
    }
    const lineOf = (at: number) => this.file.getLineAndCharacterOfPosition(at).line;
    const lastStart = last.getStart(this.file);
    const separator = lineOf(lastStart) === lineOf(start) ? ' ' : this.newline + this.indentAt(lastStart);
    // Inserted before an existing trailing comma, which then follows the new element.
    return { at: last.getEnd(), text: `,${separator}${expression}` };
  }

  private newProperty(metadata: ObjectLiteralExpression, list: string, expression: string): TextInsertion {
    const outer = this.indentAt(metadata.getStart(this.file));
    const indent = outer + this.indentUnit;
    const closing = metadata.properties.length === 0 ? this.newline + outer : '';
    return {
      at: metadata.getStart(this.file) + 1,
      text: `${this.newline}${indent}${list}: [${this.indentedLines(indent, expression)}],${closing}`,
    };
  }

  private indentedLines(outer: string, expression: string): string {
    return `${this.newline}${outer}${this.indentUnit}${expression},${this.newline}${outer}`;
  }

  /** The indentation of the line that contains an offset. */
  private indentAt(at: number): string {
    const start = this.text.lastIndexOf('\n', at - 1) + 1;
    return /^[ \t]*/.exec(this.text.slice(start))?.[0] ?? '';
  }

  private get newline(): string {
    return lineEndingOf(this.text);
  }

  private get indentUnit(): string {
    return /^(\t| +)\S/m.exec(this.text)?.[1] ?? '  ';
  }
}

/** Whether an element is the same class or dynamic module, whatever its arguments, also as `forRootAsync`. */
function isSameEntry(element: string, expression: string): boolean {
  const callee = expression.split('(', 1)[0] ?? expression;
  const compact = element.replaceAll(/\s/g, '');
  return compact === callee || compact.startsWith(`${callee}(`) || compact.startsWith(`${callee}Async(`);
}
