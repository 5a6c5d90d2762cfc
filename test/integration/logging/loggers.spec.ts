import { Writable } from 'node:stream';
import { ConsoleLogger, Module } from '@nestjs/common';
import type { DynamicModule, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule, BackfillService } from 'nestjs-backfill';
import { Logger, LoggerModule } from 'nestjs-pino';
import { appModules, createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange } from '../../support/apps/index.js';

const bench = await createAppBench();

@Module({})
class AppModule {}

type Line = Readonly<Record<string, unknown>>;

/** Lines of JSON, as a process prints them. */
class Lines extends Writable {
  private text = '';

  get read(): Line[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    this.text += chunk.toString();
    written();
  }
}

/** Nest's own logger, printing to a stream instead of the console. */
class NestLogger extends ConsoleLogger {
  constructor(private readonly lines: Writable) {
    super({ json: true, colors: false });
  }

  protected override printAsJson(...[message, options]: Parameters<ConsoleLogger['printAsJson']>): void {
    this.lines.write(`${JSON.stringify(this.getJsonLogObject(message, options))}\n`);
  }
}

/** An app with a run of which one range fails its first attempt; answers the lines of the log. */
async function run(
  loggerOf: (lines: Lines) => { module?: DynamicModule; logger?: LoggerService },
): Promise<Line[]> {
  const lines = new Lines();
  const { module, logger } = loggerOf(lines);
  let failed = false;
  const handler = defineBackfill<NumberRange>({
    name: 'logged',
    source: numbers(30),
    config: { batchSize: 10, backoffMs: 1, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 1 },
    processRange: ({ low }) => {
      if (low > 1 && !failed) {
        failed = true;
        throw new TypeError('it is broken');
      }
    },
  });
  const app = await NestFactory.createApplicationContext(
    {
      module: AppModule,
      imports: [
        ...Object.values(appModules(bench)),
        BackfillModule.forRoot(),
        ...(module === undefined ? [] : [module]),
      ],
      providers: [handler],
    },
    { bufferLogs: true },
  );
  app.useLogger(logger ?? app.get(Logger));
  try {
    const backfills = app.get(BackfillService);
    await backfills.start('logged');
    await eventually(
      'the run to be completed',
      () => backfills.status('logged'),
      ({ state }) => state === 'completed',
    );
    return await eventually(
      'its last line',
      async () => lines.read,
      (read) => read.some((line) => JSON.stringify(line).includes('] completed; ')),
    );
  } finally {
    await app.close();
  }
}

const FAILED = 'attempt 1 failed, retrying in 1 ms: TypeError: it is broken';

/** The fields of two lines, whose texts are for people. */
const RUN = { backfill: 'logged', runId: expect.any(String) as string };
const ATTEMPT = { ...RUN, range: 0, attempt: 1, error: 'TypeError: it is broken', retryInMs: 1 };
const COMPLETED = {
  ...RUN,
  event: 'completed',
  rowsDone: 30,
  rowsFailed: 0,
  durationMs: expect.any(Number) as number,
};

describe('a log in JSON has the fields of its lines', () => {
  it('by nestjs-pino', async () => {
    const lines = await run((stream) => ({ module: LoggerModule.forRoot({ pinoHttp: [{}, stream] }) }));
    const msg = (text: string) => expect.stringContaining(text) as string;
    const context = 'Backfill';
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, context, msg: msg(FAILED), ...ATTEMPT }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 30, context, msg: msg('completed; 30 of 30 rows'), ...COMPLETED }),
    );
  });

  it("by Nest's logger", async () => {
    const lines = await run((stream) => ({ logger: new NestLogger(stream) }));
    const line = (level: string, text: string, params: object) =>
      expect.objectContaining({
        level,
        context: 'Backfill',
        message: expect.stringContaining(text) as string,
        params: expect.objectContaining(params) as object,
      }) as object;
    expect(lines).toContainEqual(line('warn', FAILED, ATTEMPT));
    expect(lines).toContainEqual(line('log', 'completed; 30 of 30 rows', COMPLETED));
  });
});
