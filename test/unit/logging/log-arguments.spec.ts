import { inspect } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger } from '@nestjs/common';
import { logArguments } from '../../../lib/logging/log-arguments.js';

const fields = { backfill: 'orders', runId: 'r1', range: 7 };

/** What the logger prints. */
function printedBy(logger: ConsoleLogger): string {
  const print = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const [message, ...params] = logArguments('attempt 1 failed', fields, logger);
    logger.log(message, ...params, 'Backfill');
    expect(print).toHaveBeenCalledTimes(1);
    return String(print.mock.calls[0]?.[0]);
  } finally {
    print.mockRestore();
  }
}

describe('a line with fields', () => {
  it("has them beside its message in Nest's JSON", () => {
    expect(
      JSON.parse(printedBy(new ConsoleLogger({ json: true, colors: false, forceConsole: true }))),
    ).toMatchObject({
      level: 'log',
      context: 'Backfill',
      message: 'attempt 1 failed',
      params: fields,
    });
  });

  it('has them in its message where params are switched off', () => {
    const logger = new ConsoleLogger({
      json: true,
      colors: false,
      forceConsole: true,
      structuredParams: false,
    });
    expect(JSON.parse(printedBy(logger))).toMatchObject({
      message: { message: 'attempt 1 failed', ...fields },
    });
  });

  it('is its text alone for people at a console', () => {
    const line = printedBy(new ConsoleLogger({ colors: false, forceConsole: true }));
    expect(line).toContain('[Backfill] attempt 1 failed');
    expect(line).not.toContain('orders');
  });

  it('is an object of its fields for any other logger, which reads as its text', () => {
    const [line, ...more] = logArguments('attempt 1 failed', fields, { log: () => undefined });
    expect(more).toEqual([]);
    // As nestjs-pino and nest-winston read it.
    expect({ ...(line as object) }).toEqual({ ...fields, msg: 'attempt 1 failed' });
    expect((line as { message: string }).message).toBe('attempt 1 failed');
    expect(String(line)).toBe('attempt 1 failed');
    expect(inspect(line)).toBe('attempt 1 failed');
  });
});
