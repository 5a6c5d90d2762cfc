import { inspect } from 'node:util';
import { ConsoleLogger, Logger } from '@nestjs/common';

/** What a line of the log concerns, for loggers that write fields. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The logger of the app. */
class LoggerInForce extends Logger {
  static get(): unknown {
    return this.staticInstanceRef;
  }
}

/**
 * The arguments with which the logger of the app writes a text and, where it writes fields, these fields beside it:
 *
 * - the `ConsoleLogger` of Nest with `json`: as `params`, or in the message under Nest 11, which has none. Without `json`
 *   it would print the fields after the text, which says the same.
 * - any other logger: one object, whose properties are the fields and whose text is the message. Those for pino and winston
 *   write its properties, with the text as `msg` and `message`.
 */
export function logArguments(
  text: string,
  fields: LogFields,
  logger: unknown = LoggerInForce.get(),
): unknown[] {
  if (!(logger instanceof ConsoleLogger)) {
    return [new LogLine(text, fields)];
  }
  const { json = false, structuredParams = true } = optionsOf(logger);
  if (!json) {
    return [text];
  }
  const takesParams = structuredParams && 'stringifyParams' in logger;
  return takesParams ? [text, fields] : [{ message: text, ...fields }];
}

function optionsOf(logger: ConsoleLogger): { readonly json?: boolean; readonly structuredParams?: boolean } {
  return (Reflect.get(logger, 'options') as ReturnType<typeof optionsOf> | undefined) ?? {};
}

class LogLine {
  readonly msg: string;

  constructor(text: string, fields: LogFields) {
    this.msg = text;
    for (const [name, value] of Object.entries(fields)) {
      if (!(name in this)) {
        Reflect.set(this, name, value);
      }
    }
  }

  get message(): string {
    return this.msg;
  }

  toString(): string {
    return this.msg;
  }

  [inspect.custom](): string {
    return this.msg;
  }
}
