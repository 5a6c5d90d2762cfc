import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

/** Compiles each code as if it stood in `folder` of the repository, under its own settings; the problems of each. */
export function compileCodes(codes: readonly string[], folder: string): string[][] {
  const files = new Map(codes.map((code, i) => [join(root, folder, `code-${i}.ts`), code]));
  const names = [...files.keys()];
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: names }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    const code = files.get(name);
    return code === undefined ? read(name, version) : ts.createSourceFile(name, code, version);
  };
  host.fileExists = (name) => files.has(name) || ts.sys.fileExists(name);
  // One program for all of them: most of its time goes into the declarations of the packages, which they share.
  const program = ts.createProgram(names, options, host);
  return names.map((name) => {
    const source = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  });
}
