import type { Node, SourceFile, VariableDeclaration, VariableStatement } from 'typescript';
import { applyInsertions, lineEndingOf } from '../source/text-insertion.js';
import type { TypeScriptApi } from '../source/typescript-api.js';

/** The call that has Nest close the app on a signal. */
export const ENABLE_SHUTDOWN_HOOKS = 'enableShutdownHooks';

/**
 * The text of the main file with `app.enableShutdownHooks()` after the statement that creates the app; the same text when
 * the call is there already, `undefined` when no such statement is found.
 */
export function withShutdownHooks(ts: TypeScriptApi, path: string, text: string): string | undefined {
  if (new RegExp(`\\b${ENABLE_SHUTDOWN_HOOKS}\\b`).test(text)) {
    return text;
  }
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = findCreation(ts, file, file);
  if (found === undefined) {
    return undefined;
  }
  const { app, statement } = found;
  const start = text.lastIndexOf('\n', statement.getStart(file) - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(start))?.[0] ?? '';
  const semicolon = statement.getText(file).endsWith(';') ? ';' : '';
  const call = `${lineEndingOf(text)}${indent}${app}.${ENABLE_SHUTDOWN_HOOKS}()${semicolon}`;
  return applyInsertions(text, [{ at: statement.getEnd(), text: call }]);
}

interface Creation {
  /** The variable of the app. */
  readonly app: string;
  readonly statement: VariableStatement;
}

/** The first `const app = await NestFactory.create(...)`, also in a function. */
function findCreation(ts: TypeScriptApi, file: SourceFile, node: Node): Creation | undefined {
  if (ts.isVariableStatement(node)) {
    const declared = node.declarationList.declarations.find((it) => isCreation(ts, file, it));
    return declared && { app: declared.name.getText(file), statement: node };
  }
  return ts.forEachChild(node, (child) => findCreation(ts, file, child));
}

function isCreation(ts: TypeScriptApi, file: SourceFile, declaration: VariableDeclaration): boolean {
  const { initializer, name } = declaration;
  const value = initializer && ts.isAwaitExpression(initializer) ? initializer.expression : undefined;
  return (
    ts.isIdentifier(name) &&
    value !== undefined &&
    ts.isCallExpression(value) &&
    /^NestFactory\s*\.\s*create/.test(value.expression.getText(file))
  );
}
