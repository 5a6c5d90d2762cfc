import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** A private member, on a line of its own, with its comment. */
const PRIVATE = /^ *(?:\/\*\*(?:(?!\*\/)[^])*\*\/\s*)?private .*;\n/gm;

/**
 * The declarations that the entry points lead to, in one file beside the first of them, and what each entry
 * point exports of it: answers the text of each file. What is only needed by others stays without its comments.
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
  const all = join(folder, 'types.d.ts');
  return new Map([
    [all, textOf(files)],
    ...entries.map((entry) => [entry, exportText(program.getSourceFile(entry), all)]),
  ]);

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

  function textOf(sources) {
    const imports = new Map();
    const texts = sources.flatMap((file) => {
      const statements = file.statements.filter((it) => kept.has(it));
      const used = new Set();
      statements.forEach((it) => visit(it, ({ text }) => used.add(text)));
      file.statements.filter(ts.isImportDeclaration).forEach((it) => gather(imports, it, used));
      return statements.map((it) => {
        const text = withoutPrivate(it.getFullText().trim());
        return exported.has(it) ? shortComments(text) : withoutComments(text);
      });
    });
    const names = sources.flatMap(({ statements }) => [
      ...new Set(statements.filter((it) => kept.has(it)).flatMap(namesOf)),
    ]);
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    if (twice.length > 0) {
      throw new Error(`Expected declarations of different names, got several of ${twice.join(', ')}`);
    }
    const lines = [...imports].map(([from, bound]) => `import { ${[...bound].join(', ')} } from ${from};`);
    return `${[...lines, ...texts].join('\n')}\n`;
  }
}

/** Names of what is private are nobody's business; that there is something keeps a class from being imitated. */
function withoutPrivate(text) {
  const first = text.search(PRIVATE);
  const rest = text.replaceAll(PRIVATE, '');
  return first < 0 ? text : `${rest.slice(0, first)}    #private;\n${rest.slice(first)}`;
}

/** The exports of an entry point, all from one file. */
function exportText(file, all) {
  const [values, types] = [false, true].map((typesOnly) =>
    file.statements
      .filter((it) => ts.isExportDeclaration(it) && it.exportClause && it.isTypeOnly === typesOnly)
      .flatMap(({ exportClause }) => exportClause.elements.map((it) => it.getText())),
  );
  const path = relative(dirname(file.fileName), all).replace(/\.d\.ts$/, '.js');
  const from = `from '${path.startsWith('.') ? path : `./${path}`}';\n`;
  return [
    values.length > 0 ? `export { ${values.join(', ')} } ${from}` : '',
    types.length > 0 ? `export type { ${types.join(', ')} } ${from}` : '',
  ].join('');
}

/** Adds the names that are used of what another package exports. */
function gather(imports, { importClause, moduleSpecifier }, used) {
  const bindings = importClause?.namedBindings;
  if (moduleSpecifier.text.startsWith('.') || !bindings) {
    return;
  }
  if (!ts.isNamedImports(bindings) || importClause.name) {
    throw new Error(`Expected named imports, got ${importClause.getText()}`);
  }
  const names = bindings.elements.filter(({ name }) => used.has(name.text)).map((it) => it.getText());
  if (names.length > 0) {
    const from = moduleSpecifier.getText();
    imports.set(from, new Set([...(imports.get(from) ?? []), ...names]));
  }
}

function namesOf(statement) {
  return ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.map(({ name }) => name.getText())
    : [statement.name.text];
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
    .replaceAll(/\/\*\*\n\s*\* ([^]*?)\n\s*\*\//g, '/** $1 */');
}

function withoutComments(text) {
  const lines = text.replaceAll(/\/\*\*[^]*?\*\//g, '').split('\n');
  return lines.filter((line) => line.trim() !== '').join('\n');
}
