import type {
  ArrayLiteralExpression,
  ImportDeclaration,
  ObjectLiteralExpression,
  SourceFile,
} from 'typescript';
import { SchematicError } from '../schematic.error.js';
import { insertAll } from './text-edits.js';
import type { Insertion } from './text-edits.js';
import type { TypeScriptApi } from './typescript-api.js';

/** Something that belongs into a module. */
export interface ModuleEntry {
  /** Array of `@Module` that it belongs to. */
  readonly list: 'imports' | 'providers';
  /** What is imported. */
  readonly symbol: string;
  /** Where from. */
  readonly from: string;
  /** What stands in the array, such as `ScheduleModule.forRoot()`. */
  readonly expression: string;
}

/** A file with a `@Module`, changed by insertions only, so that its formatting stays. */
export class ModuleSource {
  private readonly file: SourceFile;

  constructor(
    private readonly ts: TypeScriptApi,
    private readonly path: string,
    private readonly text: string,
  ) {
    this.file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  }

  /** The text with the entry; the same text where the array has it already. */
  with(entry: ModuleEntry): string {
    const metadata = this.metadata();
    const array = this.array(metadata, entry);
    const called = entry.expression.split('(', 1)[0] ?? entry.expression;
    if (array?.elements.some((element) => matches(element.getText(this.file), called))) {
      return this.text;
    }
    const insertions = array
      ? [this.intoArray(array, entry.expression)]
      : [this.newArray(metadata, entry.list, entry.expression)];
    return insertAll(this.text, [...insertions, ...this.importOf(entry)]);
  }

  private metadata(): ObjectLiteralExpression {
    const { ts } = this;
    for (const statement of this.file.statements) {
      if (ts.isClassDeclaration(statement)) {
        for (const { expression } of ts.getDecorators(statement) ?? []) {
          const argument = ts.isCallExpression(expression) ? expression.arguments[0] : undefined;
          const named =
            ts.isCallExpression(expression) && expression.expression.getText(this.file) === 'Module';
          if (named && argument && ts.isObjectLiteralExpression(argument)) {
            return argument;
          }
        }
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
      `Expected ${entry.list} of @Module in ${this.path} to be an array literal. Add to it by hand:\n` +
        `  ${entry.expression},   // import { ${entry.symbol} } from '${entry.from}'`,
    );
  }

  private intoArray(array: ArrayLiteralExpression, expression: string): Insertion {
    const { elements } = array;
    const last = elements.at(-1);
    if (last === undefined) {
      const outer = this.indentAt(array.getStart(this.file));
      return {
        at: array.getStart(this.file) + 1,
        text: this.lines(outer, expression) + this.newline + outer,
      };
    }
    const lineOf = (at: number) => this.file.getLineAndCharacterOfPosition(at).line;
    const multiline = lineOf(last.getStart(this.file)) !== lineOf(array.getStart(this.file));
    if (!multiline) {
      return { at: last.getEnd(), text: `, ${expression}` };
    }
    const indent = this.indentAt(last.getStart(this.file));
    // After the element itself: its trailing comma becomes that of the new one.
    return { at: last.getEnd(), text: `,${this.newline}${indent}${expression}` };
  }

  private newArray(metadata: ObjectLiteralExpression, list: string, expression: string): Insertion {
    const outer = this.indentAt(metadata.getStart(this.file));
    const indent = outer + this.unit;
    const inner = this.lines(indent, expression) + this.newline + indent;
    const tail = metadata.properties.length === 0 ? this.newline + outer : '';
    return {
      at: metadata.getStart(this.file) + 1,
      text: `${this.newline}${indent}${list}: [${inner}],${tail}`,
    };
  }

  private lines(outer: string, expression: string): string {
    return `${this.newline}${outer}${this.unit}${expression},`;
  }

  private importOf({ symbol, from }: ModuleEntry): Insertion[] {
    const { ts } = this;
    const declarations = this.file.statements.filter((it): it is ImportDeclaration =>
      ts.isImportDeclaration(it),
    );
    const named = declarations.map((declaration) => ({
      declaration,
      names: declaration.importClause?.namedBindings,
    }));
    for (const { declaration, names } of named) {
      if (names && ts.isNamedImports(names)) {
        if (names.elements.some(({ name }) => name.text === symbol)) {
          return [];
        }
        const last = names.elements.at(-1);
        const same =
          ts.isStringLiteral(declaration.moduleSpecifier) && declaration.moduleSpecifier.text === from;
        if (same && last && declaration.importClause?.isTypeOnly !== true) {
          return [{ at: last.getEnd(), text: `, ${symbol}` }];
        }
      }
    }
    const last = declarations.at(-1);
    const specifier = last?.moduleSpecifier.getText(this.file);
    const quote = specifier?.startsWith('"') ? '"' : "'";
    const semicolon = last === undefined || last.getText(this.file).endsWith(';') ? ';' : '';
    const line = `import { ${symbol} } from ${quote}${from}${quote}${semicolon}`;
    return last
      ? [{ at: last.getEnd(), text: `${this.newline}${line}` }]
      : [{ at: this.file.getStart(), text: `${line}${this.newline}` }];
  }

  /** White space that the line of this place begins with. */
  private indentAt(at: number): string {
    const start = this.text.lastIndexOf('\n', at - 1) + 1;
    return /^[ \t]*/.exec(this.text.slice(start))?.[0] ?? '';
  }

  private get newline(): string {
    return this.text.includes('\r\n') ? '\r\n' : '\n';
  }

  private get unit(): string {
    return /^(\t| +)\S/m.exec(this.text)?.[1] ?? '  ';
  }
}

function matches(element: string, called: string): boolean {
  const compact = element.replaceAll(/\s/g, '');
  return compact === called || compact.startsWith(`${called}(`) || compact.startsWith(`${called}Async(`);
}
