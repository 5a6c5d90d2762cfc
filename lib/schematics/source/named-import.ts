import type { ImportDeclaration, SourceFile } from 'typescript';
import { lineEndingOf } from './text-insertion.js';
import type { TextInsertion } from './text-insertion.js';
import type { TypeScriptApi } from './typescript-api.js';

/** What a file imports, as in `import { symbol } from 'from'`. */
export interface NamedImport {
  readonly symbol: string;
  readonly from: string;
}

/**
 * The insertion that adds a named import: none when the symbol is imported already, an extended import
 * of the same specifier, else a new line in the quotes and semicolons of the file.
 */
export function importInsertions(
  ts: TypeScriptApi,
  file: SourceFile,
  { symbol, from }: NamedImport,
): TextInsertion[] {
  const declarations = file.statements.filter((it): it is ImportDeclaration => ts.isImportDeclaration(it));
  for (const { importClause, moduleSpecifier } of declarations) {
    const bindings = importClause?.namedBindings;
    if (bindings && ts.isNamedImports(bindings)) {
      if (bindings.elements.some(({ name }) => name.text === symbol)) {
        return [];
      }
      const last = bindings.elements.at(-1);
      const sameModule = ts.isStringLiteral(moduleSpecifier) && moduleSpecifier.text === from;
      if (sameModule && last && !importClause.isTypeOnly) {
        return [{ at: last.getEnd(), text: `, ${symbol}` }];
      }
    }
  }
  return [newImport(file, declarations.at(-1), { symbol, from })];
}

function newImport(
  file: SourceFile,
  last: ImportDeclaration | undefined,
  { symbol, from }: NamedImport,
): TextInsertion {
  const newline = lineEndingOf(file.text);
  const quote = last?.moduleSpecifier.getText(file).startsWith('"') ? '"' : "'";
  const semicolon = last === undefined || last.getText(file).endsWith(';') ? ';' : '';
  const line = `import { ${symbol} } from ${quote}${from}${quote}${semicolon}`;
  return last
    ? { at: last.getEnd(), text: `${newline}${line}` }
    : { at: file.getStart(), text: `${line}${newline}` };
}
