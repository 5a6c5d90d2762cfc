import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  strict: true,
  types: ['node'],
};

/** A place in a file; the line counts from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What an editor shows of a file that uses the package, by the language service of TypeScript. */
export class Editor {
  private readonly service: ts.LanguageService;

  constructor(
    private readonly file: string,
    private readonly code: string,
  ) {
    this.service = ts.createLanguageService({
      getCompilationSettings: () => OPTIONS,
      getCurrentDirectory: () => dirname(file),
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      getScriptFileNames: () => [file],
      getScriptVersion: () => '1',
      getScriptSnapshot: (name) => {
        const text = name === file ? code : ts.sys.readFile(name);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      fileExists: (name) => name === file || ts.sys.fileExists(name),
      readFile: (name) => ts.sys.readFile(name),
      directoryExists: (name) => ts.sys.directoryExists(name),
      realpath: (name) => ts.sys.realpath?.(name) ?? name,
    });
  }

  /** The type errors of the file, and of the declarations of a package. */
  problems(packageFolder: string): string[] {
    return this.program
      .getSourceFiles()
      .map(({ fileName }) => fileName)
      .filter((name) => name === this.file || name.startsWith(packageFolder))
      .flatMap((name) => this.service.getSemanticDiagnostics(name))
      .map(
        ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
  }

  /** The documentation that is shown when the pointer rests on a name. */
  hover(name: string): string {
    const info = this.service.getQuickInfoAtPosition(this.file, this.lastUse(name));
    return ts.displayPartsToString(info?.documentation);
  }

  /** Where "go to definition" leads to: a place in the declarations, and by their map one in the source. */
  definition(name: string): Place {
    const [found] = this.service.getDefinitionAtPosition(this.file, this.lastUse(name)) ?? [];
    const declarations = found && this.program.getSourceFile(found.fileName);
    if (!declarations) {
      throw new Error(`Expected a definition of ${name}, got none`);
    }
    const map = new SourceMap(JSON.parse(readFileSync(`${found.fileName}.map`, 'utf8')));
    const { line, character } = declarations.getLineAndCharacterOfPosition(found.textSpan.start);
    const entry = map.findEntry(line, character);
    if (!('originalSource' in entry)) {
      throw new Error(`Expected ${found.fileName}.map to map line ${line + 1}, got nothing`);
    }
    return { file: join(dirname(found.fileName), entry.originalSource), line: entry.originalLine + 1 };
  }

  /** What the imported modules export, and the documentation of each. */
  exported(): [name: string, documentation: string][] {
    const checker = this.program.getTypeChecker();
    const imports = this.program
      .getSourceFile(this.file)
      ?.statements.filter((it) => ts.isImportDeclaration(it));
    return (imports ?? []).flatMap(({ moduleSpecifier }) => {
      const module = checker.getSymbolAtLocation(moduleSpecifier);
      const symbols = module ? checker.getExportsOfModule(module) : [];
      return symbols.map((symbol): [string, string] => {
        const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
        return [symbol.name, ts.displayPartsToString(target.getDocumentationComment(checker))];
      });
    });
  }

  private get program(): ts.Program {
    const program = this.service.getProgram();
    if (!program) {
      throw new Error(`Expected the language service to have a program for ${this.file}, got none`);
    }
    return program;
  }

  private lastUse(name: string): number {
    return this.code.search(new RegExp(`\\b${name}\\b(?![^]*\\b${name}\\b)`));
  }
}
