import { dirname } from 'node:path';
import ts from 'typescript';

/**
 * The declarations that the entry points lead to: answers the text of each file that is left. What is only
 * needed by others stays without its comments.
 */
export function publicTypes(entries) {
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const folder = dirname(entries[0]);
  const exported = new Set(entries.flatMap((entry) => exportsOf(program.getSourceFile(entry))));
  const kept = new Set();
  const queue = [...exported];
  for (let statement = queue.pop(); statement !== undefined; statement = queue.pop()) {
    if (!kept.has(statement)) {
      kept.add(statement);
      visit(statement, (identifier) => queue.push(...statementsOf(checker.getSymbolAtLocation(identifier))));
    }
  }
  const files = program.getSourceFiles().filter(({ fileName }) => isOwn(fileName));
  return new Map(files.map((file) => [file.fileName, textOf(file)]).filter(([, text]) => text !== ''));

  function exportsOf(file) {
    return checker.getExportsOfModule(checker.getSymbolAtLocation(file)).flatMap(statementsOf);
  }

  /** The top-level statements that declare a symbol, of this package only. */
  function statementsOf(symbol) {
    const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return (target?.declarations ?? [])
      .filter((it) => isOwn(it.getSourceFile().fileName))
      .flatMap((declaration) => {
        let node = declaration;
        while (node.parent && !ts.isSourceFile(node.parent)) node = node.parent;
        return ts.isSourceFile(node) ? [] : [node];
      });
  }

  function isOwn(fileName) {
    return fileName.startsWith(`${folder}/`);
  }

  function textOf(file) {
    const used = new Set();
    const statements = file.statements.filter((it) => kept.has(it) || ts.isExportDeclaration(it));
    statements.forEach((it) => visit(it, ({ text }) => used.add(text)));
    const imports = file.statements
      .filter((it) => ts.isImportDeclaration(it))
      .map((it) => importText(it, used));
    const texts = statements.map((it) => {
      const text = it.getFullText().trim();
      return exported.has(it) || ts.isExportDeclaration(it) ? text : withoutComments(text);
    });
    return statements.length === 0
      ? ''
      : `${[...imports, ...texts.map(shortComments)].filter(Boolean).join('\n')}\n`;
  }
}

/** The import with the names that are used; nothing where none is. */
function importText(declaration, used) {
  const { importClause } = declaration;
  const bindings = importClause?.namedBindings;
  if (!bindings || !ts.isNamedImports(bindings) || importClause.name) {
    return declaration.getText();
  }
  const names = bindings.elements.filter(({ name }) => used.has(name.text)).map((it) => it.getText());
  const type = importClause.isTypeOnly ? 'type ' : '';
  return names.length === 0
    ? ''
    : `import ${type}{ ${names.join(', ')} } from ${declaration.moduleSpecifier.getText()};`;
}

function visit(node, each) {
  if (ts.isIdentifier(node)) {
    each(node);
  }
  ts.forEachChild(node, (child) => visit(child, each));
}

/** Without the tag that all of them have, and on one line where one is enough. */
function shortComments(text) {
  return text
    .replaceAll(/(?:\n\s*\*)?\n\s*\* @publicApi(?=\s)/g, '')
    .replaceAll(/\/\*\*\n\s*\* ([^\n]*)\n\s*\*\//g, '/** $1 */');
}

function withoutComments(text) {
  const lines = text.replaceAll(/\/\*\*[^]*?\*\//g, '').split('\n');
  return lines.filter((line) => line.trim() !== '').join('\n');
}
