import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, createTestRedis } from '../support/databases/index.js';
import { ConsumerApp } from './support/consumer.app.js';
import { DOCS, GUARDED, TENTH } from './support/guarded-app.js';
import { NEST_11_COMMONJS, NEST_12_ESM } from './support/stacks.js';
import { LINES, ROLLED_BACK, UNDONE } from './support/undone-app.js';
import { nodeMajors } from './support/node-majors.js';
import { packedLibrary } from './support/tarball.js';

const ROWS = 300;

/** Characters before the reason, those of Nest's lines about modules and routes not counted. */
const FEW_LINES = 500;

/** Without the lines in which Nest tells what it initialized: their number grows with routes, their length with the pid. */
const withoutProgress = (printed: string) =>
  printed
    .split('\n')
    .filter((line) => !/ LOG /.test(line))
    .join('\n');

/** What is changed in the built module, and the reason that has to be printed. */
const FAILING_STARTS: [title: string, from: RegExp, to: string, message: string][] = [
  [
    'a missing import',
    /[\w.]*ScheduleModule\.forRoot\(\),?/,
    '',
    "the app's own ScheduleModule.forRoot, which is missing",
  ],
  [
    'an invalid config',
    /keyPrefix:/,
    'config: { batchSize: 0 }, keyPrefix:',
    'batchSize: expected a whole number',
  ],
  [
    'an unknown name of a worker',
    /keyPrefix:/,
    "workers: ['renew'], keyPrefix:",
    'got "renew" (did you mean',
  ],
  [
    'a guard that is none',
    /guards: \[[\w.]*OperatorGuard\]/,
    'guards: [() => true]',
    'guards.0: expected a guard',
  ],
];

const parent = await mkdtemp(join(tmpdir(), 'nestjs-backfill-consumers-'));
const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
const apps = [NEST_12_ESM, NEST_11_COMMONJS].map((stack) => new ConsumerApp(stack, parent));
const tarball = packedLibrary();

// Side by side: most of it is waiting for the network.
beforeAll(async () => {
  const made = await Promise.allSettled(apps.map((app) => app.create()));
  const failed = made.find((it) => it.status === 'rejected');
  if (failed) {
    throw failed.reason;
  }
});

afterAll(() => rm(parent, { recursive: true, force: true, maxRetries: 3 }));

describe.each(apps.map((app) => [app.stack.title, app] as const))('an app with %s', (_title, app) => {
  const { stack } = app;
  const x = stack.extension;

  beforeAll(async () => {
    const table = `message_${stack.key}`;
    await database.query(`CREATE TABLE ${table} (id int PRIMARY KEY, body text NOT NULL)`);
    await database.query(`INSERT INTO ${table} SELECT id, 'old' FROM generate_series(1, ${ROWS}) id`);
    app.services = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    await app.write(
      'src/message.entity.ts',
      `import { defineEntity, p } from '@mikro-orm/core';

export const Message = defineEntity({
  name: 'Message',
  tableName: '${table}',
  properties: { id: p.integer().primary(), body: p.text() },
});
`,
    );
    await app.replace(
      'src/app.module.ts',
      'imports: []',
      `imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env.DATABASE_URL,
      entities: [Message],
    }),
  ]`,
    );
    await app.replace(
      'src/app.module.ts',
      '\n@Module',
      `import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Message } from './message.entity${x}';

@Module`,
    );
  });

  it('is wired by nest add', async () => {
    const printed = await app.npx('nest', 'add', `nestjs-backfill@${await app.bring(tarball)}`);

    expect(printed.trimEnd().split('\n').at(-1)).toMatch(/^ *Next step: nest g -c nestjs-backfill backfill /);
    const module = await app.read('src/app.module.ts');
    expect(module).toContain('BackfillModule.forRoot({})');
    expect(module).toContain('ScheduleModule.forRoot()');
    expect(module).toMatch(/BullModule\.forRoot\(\{\s+connection/);
    expect(await app.read('src/main.ts')).toContain('app.enableShutdownHooks();');
  });

  it('has no peer that does not fit', async () => {
    const tree = await app.npm('ls', '--all');

    expect(tree).not.toMatch(/invalid|UNMET DEPENDENCY/);
  });

  it('gets handlers and their tests by nest generate', async () => {
    const generate = (name: string, shape: string) =>
      app.npx('nest', 'g', '-c', 'nestjs-backfill', 'backfill', name, '--type', shape);
    await generate('renew-messages', 'batch');

    expect(await app.read('src/renew-messages/renew-messages.backfill.ts')).toContain(
      `from '../message.entity${x}'`,
    );
    expect(await app.read('src/app.module.ts')).toContain('providers: [AppService, RenewMessages]');
    await generate('copy-messages', 'range');
    await generate('ask-messages', 'row');
  });

  it('has the format of its own Prettier, and its linter passes', async () => {
    const format = await app.tryNpx('prettier', '--check', 'src/**/*.ts', 'test/**/*.ts');
    expect({ code: format.code, printed: format.out + format.err }).toMatchObject({ code: 0 });
    const lint = await app.tryNpx(...stack.lint);
    expect({ code: lint.code, printed: lint.out + lint.err }).toMatchObject({ code: 0 });
  });

  it('builds', async () => {
    await app.replace(
      'src/renew-messages/renew-messages.backfill.ts',
      'em.persist(row)',
      "row.body = 'new';\n      em.persist(row)",
    );
    await app.replace(
      'src/renew-messages/renew-messages.backfill.ts',
      'perSecondOnPeak: 3, perSecondOffPeak: 7.5',
      'perSecondOnPeak: 20, perSecondOffPeak: 20',
    );
    await app.write('src/operator.guard.ts', GUARD);
    await app.replace(
      'src/app.module.ts',
      'BackfillModule.forRoot({})',
      `BackfillModule.forRoot({ keyPrefix: '${stack.key}', admin: { path: 'admin/backfills', guards: [OperatorGuard] } })`,
    );
    await app.replace(
      'src/app.module.ts',
      '\n@Module',
      `import { OperatorGuard } from './operator.guard${x}';\n\n@Module`,
    );
    await app.replace('src/app.module.ts', 'AskMessages]', 'AskMessages, OperatorGuard]');
    await app.write('src/work.ts', WORK.replaceAll('{x}', x));
    await app.npx('nest', 'build');
  });

  it.each(FAILING_STARTS)('says in a few lines why it does not start: %s', async (_, from, to, message) => {
    const file = 'dist/app.module.js';
    const built = await app.read(file);
    expect(built).toMatch(from);
    await app.write(file, built.replace(from, to));
    const { code, out, err } = await app.tryNode('dist/main.js');
    await app.write(file, built);

    const printed = out + err;
    expect({ code, printed }).toEqual({
      code: expect.any(Number) as number,
      printed: expect.stringContaining(message) as string,
    });
    expect(code).not.toBe(0);
    expect(withoutProgress(printed).indexOf(message)).toBeLessThan(FEW_LINES);
    expect(Math.max(...printed.split('\n').map(({ length }) => length))).toBeLessThan(1000);
  });

  it('starts a backfill by command line, works it off, and shows it to the operator only', async () => {
    const start = JSON.parse(await app.npx('nestjs-backfill', 'start', 'renew-messages', '--json')) as object;
    expect(start).toMatchObject({ state: 'running', changed: true });

    const seen = JSON.parse((await app.node('dist/work.js')).trim().split('\n').at(-1) ?? '') as object;

    expect(seen).toMatchObject({ before: 'running', after: 'completed', old: 0 });
    expect(seen).toMatchObject({ stranger: STRANGER, operator: OPERATOR });
    const status = JSON.parse(
      await app.npx('nestjs-backfill', 'status', 'renew-messages', '--json'),
    ) as object;
    expect(status).toMatchObject({ state: 'completed', rowsDone: ROWS, failed: 0 });
  });

  it.each(nodeMajors())('works, and is well by the doctor, on Node $version', async ({ env }) => {
    const services = app.services;
    app.services = { ...services, ...env };
    try {
      await app.npx('nestjs-backfill', 'start', 'renew-messages', '--json');
      const seen = JSON.parse((await app.node('dist/work.js')).trim().split('\n').at(-1) ?? '') as object;
      expect(seen).toMatchObject({ before: 'running', after: 'completed', old: 0, operator: OPERATOR });
      const problems = JSON.parse(await app.npx('nestjs-backfill', 'doctor', '--json')) as {
        level: string;
      }[];
      expect(problems.filter(({ level }) => level === 'problem')).toEqual([]);
    } finally {
      app.services = services;
    }
  });

  it('is well by the doctor of the command line', async () => {
    const { code, out } = await app.tryNpx('nestjs-backfill', 'doctor', '--json');

    expect({
      code,
      problems: (JSON.parse(out) as { level: string }[]).filter(({ level }) => level === 'problem'),
    }).toEqual({
      code: 0,
      problems: [],
    });
  });

  it('loses nothing that others write to the rows of a backfill, whatever guards them', async () => {
    const table = `doc_${stack.key}`;
    await database.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, backfill text NOT NULL, shape int NOT NULL, seen int NOT NULL, body jsonb NOT NULL)`,
    );
    await database.query(
      `INSERT INTO ${table} SELECT i * 1000 + n, name, 1, 0, '{"hits": 0}' FROM generate_series(1, ${DOCS}) n,
       unnest(ARRAY['default', 'columns', 'rows', 'lock', 'none']) WITH ORDINALITY names (name, i)`,
    );
    await app.write(
      'src/guarded.ts',
      GUARDED.replaceAll('{table}', table).replaceAll('{docs}', String(DOCS)),
    );
    await app.npx('nest', 'build');

    const seen = JSON.parse((await app.node('dist/guarded.js')).trim().split('\n').at(-1) ?? '') as object;

    const done = { state: 'completed', rowsDone: DOCS, failures: [], old: 0, unseen: 0 };
    const kept = { ...done, left: DOCS - TENTH, lost: 0, revived: 0 };
    expect(seen).toEqual({
      default: { ...kept, rowsRechecked: 3 * TENTH },
      rows: { ...kept, rowsRechecked: 3 * TENTH },
      columns: { ...kept, rowsRechecked: 2 * TENTH },
      lock: { ...kept, rowsRechecked: 0 },
      none: expect.objectContaining({ lost: TENTH, rowsRechecked: 0 }),
    });
  });

  it('rehearses, starts with a canary and parameters, and is undone, whatever savepoints are rolled back', async () => {
    const table = `line_${stack.key}`;
    await database.query(
      `CREATE TABLE ${table} (id int PRIMARY KEY, word text NOT NULL, touches int NOT NULL)`,
    );
    await database.query(`INSERT INTO ${table} SELECT id, 'old', 0 FROM generate_series(1, ${LINES}) id`);
    await app.write(
      'src/undone.ts',
      UNDONE.replaceAll('{table}', table).replaceAll('{lines}', String(LINES)),
    );
    await app.npx('nest', 'build');

    const seen = JSON.parse((await app.node('dist/undone.js')).trim().split('\n').at(-1) ?? '') as object;

    const changed = LINES - ROLLED_BACK;
    const untouched = { reworded: 0, touched: 0 };
    expect(seen).toEqual({
      refused: expect.stringContaining('params.word: expected') as string,
      rehearsed: expect.objectContaining({
        rows: LINES,
        untouched: ROLLED_BACK,
        errors: 0,
        words: ['new'],
        state: 'idle',
        ...untouched,
      }) as object,
      canary: expect.objectContaining({
        state: 'paused',
        rowsDone: 6,
        canary: 'passed',
        reworded: 4,
      }) as object,
      completed: expect.objectContaining({
        state: 'completed',
        rowsDone: LINES,
        journaled: changed,
        reworded: changed,
        touched: 0,
      }) as object,
      undone: expect.objectContaining({
        state: 'completed',
        rowsDone: changed,
        conflicts: 0,
        ...untouched,
      }) as object,
    });
  });

  it('runs the generated test under its own runner', async () => {
    const { code, out, err } = await app.test();

    expect({ code, tests: code === 0 ? '' : out + err }).toEqual({ code: 0, tests: '' });
    for (const name of ['renew-messages', 'copy-messages', 'ask-messages']) {
      expect(out + err).toContain(`${name}.backfill.spec.ts`);
    }
    // A line for each test and its file, and no output of the handlers.
    expect((out + err).split('\n').length).toBeLessThan(60);
  });
});

/** What the endpoints answer to who has no credentials, and to who has. */
const STRANGER = { list: 403, status: 403, page: 403, configure: 403 };
const OPERATOR = { list: 200, status: 200, page: 200, configure: 200 };

const GUARD = `import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';

@Injectable()
export class OperatorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>();
    return request.headers.authorization === 'Bearer operator';
  }
}
`;

/** A process of the app that serves HTTP and works until the run is over. */
const WORK = `import { MikroORM } from '@mikro-orm/core';
import { NestFactory } from '@nestjs/core';
import { BackfillService } from 'nestjs-backfill';
import { AppModule } from './app.module{x}';
import { Message } from './message.entity{x}';

async function ask(base: string, headers: Record<string, string>) {
  const answer = async (path: string, init: RequestInit = {}) =>
    (await fetch(base + path, { ...init, headers: { 'content-type': 'application/json', ...headers } })).status;
  return {
    list: await answer(''),
    status: await answer('/renew-messages'),
    page: await answer('/ui'),
    configure: await answer('/renew-messages/config', { method: 'PATCH', body: '{"batchSize":50}' }),
  };
}

async function main() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0);
  const service = app.get(BackfillService);
  const before = (await service.status('renew-messages')).state;
  const base = (await app.getUrl()) + '/admin/backfills';
  const stranger = await ask(base, {});
  const operator = await ask(base, { authorization: 'Bearer operator' });
  let after = before;
  while (after === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    after = (await service.status('renew-messages')).state;
  }
  const old = await app.get(MikroORM).em.fork().count(Message, { body: 'old' });
  await app.close();
  console.log(JSON.stringify({ before, after, stranger, operator, old }));
}

void main();
`;
