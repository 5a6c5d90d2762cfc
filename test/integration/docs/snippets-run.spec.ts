import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { MikroORM } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Migration } from '@mikro-orm/migrations';
import { Backfill, BACKFILL_ENTITIES, BackfillService } from 'nestjs-backfill';
import * as library from 'nestjs-backfill';
import type { BackfillThrottle, CsvRecord, ThrottleContext } from 'nestjs-backfill';
import { runCommandLine } from 'nestjs-backfill/cli';
import { batchExecute } from 'nestjs-backfill/migrations';
import { BackfillHarness, FakeClock } from 'nestjs-backfill/testing';
import { Injectable, Module } from '@nestjs/common';
import type { CanActivate, DynamicModule, ExecutionContext, ModuleMetadata, Type } from '@nestjs/common';
import ts from 'typescript';
import { z } from 'zod';
import { appModules, createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { createTestDatabase } from '../../support/databases/index.js';
import { readSnippets } from '../../support/docs/index.js';

@Entity({ tableName: 'message' })
class Message {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'boolean' })
  archived!: boolean;
}

@Entity({ tableName: 'customer' })
class Customer {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  email!: string;

  @Property({ type: 'text', nullable: true })
  domain!: string | null;
}

const bench = await createAppBench();
await bench.database.query('CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL, domain text)');
await bench.database.query('CREATE TABLE message (id int PRIMARY KEY, archived boolean NOT NULL)');
await bench.database.query('CREATE TABLE orders (id int PRIMARY KEY, total int)');
await bench.database.query('CREATE TABLE price (article text PRIMARY KEY, cents int NOT NULL)');
const us = await createTestDatabase();
await us.query('CREATE TABLE message (id int PRIMARY KEY, archived boolean NOT NULL)');
const folder = await mkdtemp(join(tmpdir(), 'snippets-'));
afterAll(() => rm(folder, { recursive: true }));
const snippets = await readSnippets();
const run = new Set<string>();

/** The one snippet that has some text. */
function snippet(text: string): string {
  const found = snippets.filter((code) => code.includes(text));
  if (found.length !== 1) {
    throw new Error(`Expected one snippet with ${text}, got ${found.length}`);
  }
  run.add(found[0] ?? '');
  return found[0] ?? '';
}

/** Runs a snippet with the names that it imports or takes for granted, and answers one that it defines. */
function evaluate(code: string, names: Readonly<Record<string, unknown>>, answer?: string): unknown {
  const { outputText } = ts.transpileModule(code.replaceAll(/^import .*$/gm, '').replaceAll('export ', ''), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, experimentalDecorators: true },
  });
  const body =
    answer === undefined ? `return (async () => { ${outputText} })()` : `${outputText}; return ${answer}`;
  return compileFunction(body, Object.keys(names))(...Object.values(names)) as unknown;
}

const fillMessages = async () => {
  await bench.database.query('TRUNCATE message');
  await bench.database.query('INSERT INTO message SELECT n, n % 3 = 0 FROM generate_series(1, 50) n');
};
const archived = async () =>
  (await bench.database.query('SELECT id FROM message WHERE archived ORDER BY id')).length;
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

it('the example at the top of the README fills every row', async () => {
  await bench.database.query('INSERT INTO customer SELECT n, n || $1 FROM generate_series(1, 250) n', [
    '@a.example',
  ]);
  const modules: Type[] = [];
  const names = {
    ...library,
    BackfillModule: { forRoot: () => library.BackfillModule.forRoot({ keyPrefix: bench.keyPrefix() }) },
    Customer,
    Module: (metadata: ModuleMetadata) => (target: Type) => {
      Module(metadata)(target);
      modules.push(target);
    },
    backfills: {
      start: async (name: string) => {
        const own = Object.values(appModules({ ...bench, entities: [Customer] }));
        const { backfills, finished } = await bench.start({ only: [...own, ...modules] });
        await backfills.start(name);
        expect(await finished(name)).toMatchObject({ state: 'completed', rowsDone: 250 });
      },
    },
  };
  await evaluate(snippet('class CustomersModule'), names);
  expect(await bench.database.query('SELECT DISTINCT domain FROM customer')).toEqual([
    { domain: 'a.example' },
  ]);
});

it('the first handler of the guides archives every message', async () => {
  await fillMessages();
  const names = { Backfill, idRange: library.idRange, Message };
  const handler = evaluate(snippet('class ArchiveMessages'), names, 'ArchiveMessages') as Type;
  const { backfills, finished } = await bench.start({ handlers: [handler], entities: [Message] });
  await backfills.start('archive-messages', { config: UNPACED });
  expect(await finished('archive-messages')).toMatchObject({ state: 'completed', rowsDone: 34 });
  expect(await archived()).toBe(50);
});

it('the partitions of the guides archive the messages of two databases', async () => {
  await fillMessages();
  await us.query('INSERT INTO message SELECT n, false FROM generate_series(1, 20) n');
  const names = { Backfill, keyset: library.keyset, Message };
  const handler = evaluate(snippet('class ArchiveRegions'), names, 'ArchiveRegions') as Type;
  const contexts = Object.entries({ eu: bench.database, us }).map(([contextName, { url: clientUrl }]) =>
    MikroOrmModule.forRoot({ contextName, driver: PostgreSqlDriver, clientUrl, entities: [Message] }),
  );
  const { backfills, finished } = await bench.start({
    handlers: [handler],
    entities: [Message],
    imports: contexts,
  });
  await backfills.start('archive-regions', { config: UNPACED });
  expect(await finished('archive-regions')).toMatchObject({ state: 'completed', rowsDone: 54 });
  expect(await archived()).toBe(50);
  expect(await us.query('SELECT id FROM message WHERE archived')).toHaveLength(20);
});

it('the statements of the guides that lose no write archive the old messages', async () => {
  await fillMessages();
  const names = { Backfill, idRange: library.idRange, Message };
  const handler = evaluate(snippet('class ArchiveOldMessages'), names, 'ArchiveOldMessages') as Type;
  const { backfills, finished } = await bench.start({ handlers: [handler], entities: [Message] });
  await backfills.start('archive-old-messages', { config: UNPACED });
  expect(await finished('archive-old-messages')).toMatchObject({ state: 'completed' });
  expect(await bench.database.query('SELECT id FROM message WHERE NOT archived AND id <= 40')).toEqual([]);
  expect(await archived()).toBe(43);
});

it('the handler of the guides completes a verified run', async () => {
  await fillMessages();
  const names = { Backfill, idRange: library.idRange, Message };
  const handler = evaluate(snippet('class ArchiveAllMessages'), names, 'ArchiveAllMessages') as Type;
  const { backfills, finished } = await bench.start({ handlers: [handler], entities: [Message] });
  await backfills.start('archive-all-messages', { config: UNPACED });
  expect(await finished('archive-all-messages')).toMatchObject({
    state: 'completed',
    verified: { left: 0, swept: 0 },
  });
  expect(await archived()).toBe(50);
});

it('the handler of the guide on the sample has its rows verified', async () => {
  await fillMessages();
  const names = { Backfill, keyset: library.keyset, Message };
  const handler = evaluate(snippet('class SealMessages'), names, 'SealMessages') as Type;
  const { backfills, finished } = await bench.start({ handlers: [handler], entities: [Message] });
  await backfills.start('seal-messages', { config: UNPACED });
  expect(await finished('seal-messages')).toMatchObject({
    state: 'completed',
    verified: { left: 0, sampled: 34, mismatched: 0, confidence: { low: 0, high: 3 / 34 } },
  });
  expect(await archived()).toBe(50);
});

it('the handlers of the guides import a CSV file and work through an array', async () => {
  const path = join(folder, 'prices.csv');
  await writeFile(path, 'article,price\nA-1,1.25\n"A-2",10\n');
  const fetched: string[] = [];
  const names = {
    array: library.array,
    Backfill,
    csvFile: (_: string, options: { parse: (record: CsvRecord) => object }) => library.csvFile(path, options),
    Entity,
    fetch: async (url: string) => void fetched.push(url),
    PrimaryKey,
    Property,
  };
  const [price, ...handlers] = evaluate(
    snippet('class ImportPrices'),
    names,
    '[Price, ImportPrices, PrefetchTariffs]',
  ) as [Type, ...Type[]];
  const { backfills, finished } = await bench.start({ handlers, entities: [price] });
  await backfills.start('import-prices', { config: UNPACED });
  expect(await finished('import-prices')).toMatchObject({ state: 'completed', rowsDone: 2 });
  expect(await bench.database.query('SELECT article, cents FROM price ORDER BY article')).toEqual([
    { article: 'A-1', cents: 125 },
    { article: 'A-2', cents: 1_000 },
  ]);
  await backfills.start('prefetch-tariffs', { config: UNPACED });
  expect(await finished('prefetch-tariffs')).toMatchObject({ state: 'completed', rowsDone: 3 });
  expect(fetched.toSorted()).toEqual(['AT', 'PT', 'SE'].map((code) => `https://tariffs.example/${code}`));
});

it('the calls of the guide on rehearsals show what the handler does, without masked values', async () => {
  await bench.database.query('TRUNCATE customer');
  await bench.database.query(
    `INSERT INTO customer SELECT n, 'C' || n || '@A.example' FROM generate_series(1, 20) n`,
  );
  const names = { Backfill, keyset: library.keyset, Customer };
  const handler = evaluate(snippet('class TidyEmails'), names, 'TidyEmails') as Type;
  const { backfills } = await bench.start({ handlers: [handler], entities: [Customer] });
  const rehearse = (_: string, options: object) => backfills.rehearse('tidy-emails', options);
  const code = snippet("backfills.rehearse('restructure-orders'");
  const [row, untouched] = (await evaluate(`${code}; return [rows[0], untouched];`, {
    backfills: { rehearse },
  })) as [object, number];
  expect(row).toMatchObject({ before: { email: '***' }, after: { email: '***' }, changed: ['email'] });
  expect(untouched).toBe(0);
});

it('the calls of the guides operate a backfill', async () => {
  const handler = defineBackfill({
    name: 'reencrypt-messages',
    source: numbers(10_000),
    config: { batchSize: 10, perSecondOnPeak: 5, perSecondOffPeak: 5 },
    processRange: () => undefined,
  });
  const { backfills } = await bench.start({ handlers: [handler] });
  await evaluate(snippet("backfills.preview('reencrypt-messages'"), { backfills });
  expect(await backfills.status('reencrypt-messages')).toMatchObject({ state: 'running', dryRun: true });
  expect(await backfills.config('reencrypt-messages')).toMatchObject({
    config: { perSecondOnPeak: 1, batchSize: 50 },
  });
  expect((await backfills.history('reencrypt-messages')).map(({ type }) => type)).toEqual([
    'resumed',
    'paused',
    'configured',
    'started',
  ]);
});

it('the throttles of the guides are asked', async () => {
  const names = { ...library, Message, process: { env: { FREEZE: 'yes' } } };
  const mounted = evaluate(
    `const mounted = ${snippet('postgresLockWait()')}`,
    names,
    'mounted',
  ) as DynamicModule;
  const handler = defineBackfill({
    name: 'throttled',
    source: numbers(1000),
    config: { batchSize: 1, perSecondOnPeak: 20, perSecondOffPeak: 20 },
    processRange: () => undefined,
  });
  const { backfills, logs } = await bench.start({
    handlers: [handler],
    entities: [Message],
    only: [...Object.values(appModules({ ...bench, entities: [Message] })), mounted],
  });
  await backfills.start('throttled');
  // The probe holds first, to be measured on its own.
  await eventually(
    'the freeze to hold',
    () => backfills.status('throttled'),
    ({ rate }) => rate.perSecond === 0 && rate.reason.includes('change freeze'),
  );
  // On a busy machine a result may come later than is waited for.
  const failures = logs.lines.filter((line) => /throttle .*(?:fail|error)(?!.*result within)/i.test(line));
  expect(failures).toEqual([]);
  await backfills.cancel('throttled');
});

it('the throttle of a number and two thresholds throttles between them', async () => {
  const pending = { documents: 0 };
  const searchIndex = { pendingDocuments: async () => pending.documents };
  const code = snippet('thresholdThrottle({');
  const throttle = evaluate(code, { ...library, searchIndex }, 'searchBacklog') as BackfillThrottle;
  expect(throttle).toMatchObject({ name: 'search-backlog', everyMs: 500 });
  for (const [documents, pressure] of [
    [1_000, 0],
    [25_500, 0.5],
    [50_000, 1],
  ] as const) {
    pending.documents = documents;
    expect(await throttle.measure({} as ThrottleContext)).toMatchObject({ pressure });
  }
});

it('the throttle of a service asks Prometheus', async () => {
  const throttle = evaluate(snippet('httpThrottle({'), library, 'load') as BackfillThrottle;
  expect(throttle).toMatchObject({ name: 'load', everyMs: 5_000, scope: 'cluster' });
});

it('the command line of the guides serves the running app', async () => {
  const { app } = await bench.start({
    handlers: [defineBackfill({ name: 'listed', source: numbers(10), processRange: () => undefined })],
  });
  const process = { exitCode: -1 };
  const operate = evaluate(
    snippet('runCommandLine(words, { app })'),
    { runCommandLine, process },
    'operate',
  ) as (...args: unknown[]) => Promise<void>;
  await operate(app, ['status', 'listed', '--json']);
  expect(process.exitCode).toBe(0);
  await operate(app, ['status', 'unlisted', '--json']);
  expect(process.exitCode).toBe(3);
});

it('the harness of the guides proves a handler idempotent', async () => {
  const handler = evaluate(
    snippet('class ArchiveMessages'),
    { Backfill, idRange: library.idRange, Message },
    'ArchiveMessages',
  ) as Type<object>;
  const { app } = await bench.start({ handlers: [handler], entities: [Message] });
  const lines: unknown[] = [];
  const console = { log: (line: unknown) => lines.push(line) };
  const check = evaluate(
    snippet('new BackfillHarness(handler'),
    { BackfillHarness, FakeClock, console },
    'check',
  ) as (...args: unknown[]) => Promise<void>;
  await check(new handler(), app.get(MikroORM).em.fork(), fillMessages);
  expect(lines[0]).toEqual([]);
  expect(lines[1]).toHaveLength(5);
});

it('the first test of the guides passes without a server', async () => {
  const names = { Backfill, idRange: library.idRange, Message };
  const ArchiveMessages = evaluate(snippet('class ArchiveMessages'), names, 'ArchiveMessages');
  const tests: (() => Promise<void>)[] = [];
  const it = (_title: string, test: () => Promise<void>) => tests.push(test);
  await evaluate(snippet('new ArchiveMessages()'), { ArchiveMessages, BackfillHarness, Message, expect, it });
  expect(tests).toHaveLength(1);
  for (const test of tests) await test();
});

it('the migration of the guides fills a column step by step', async () => {
  await bench.database.query('INSERT INTO orders SELECT n, NULL FROM generate_series(1, 25000) n');
  const { app } = await bench.start();
  const console = { log: () => undefined };
  const fill = evaluate(snippet('fillTotals'), { batchExecute, console }, 'fillTotals') as (
    em: unknown,
  ) => Promise<void>;
  await fill(app.get(MikroORM).em.fork());
  const [left] = await bench.database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM orders WHERE total IS NULL',
  );
  expect(left?.n).toBe(0);
});

it('the ledger of the guides finds its tables', async () => {
  const { createLedgerSchema, dropLedgerSchema } = library;
  const Schema = evaluate(
    snippet('createLedgerSchema(this)'),
    { Migration, createLedgerSchema, dropLedgerSchema },
    'Migration20260105',
  ) as { prototype: { up(): Promise<void>; down(): Promise<void> } };
  const sql: string[] = [];
  const migration = Object.assign(Object.create(Schema.prototype) as typeof Schema.prototype, {
    addSql: (statement: string) => sql.push(statement),
  });
  await migration.up();
  await bench.database.query(sql.splice(0).join('\n'));
  const { app } = await bench.start({ entities: [...BACKFILL_ENTITIES], options: { ledger: true } });
  expect(await app.get(BackfillService).list()).toEqual([]);
  await app.close();
  await migration.down();
  await bench.database.query(sql.join('\n'));
});

it('the canary of the guides pauses its run, and its listener hears the verdict', async () => {
  const lines: unknown[][] = [];
  const { OnBackfill } = library;
  const names = { Injectable, OnBackfill, console: { log: (...line: unknown[]) => lines.push(line) } };
  const report = evaluate(snippet('class CanaryReport'), names, 'CanaryReport') as Type;
  const handler = defineBackfill({
    name: 'fill-email-domain',
    source: numbers(1_200),
    config: { batchSize: 100, perSecondOnPeak: null, perSecondOffPeak: null },
    processRange: () => undefined,
  });
  const { backfills, finished } = await bench.start({ handlers: [handler, report] });
  await evaluate(snippet('canary: { rows:'), { backfills });
  expect(await finished('fill-email-domain')).toMatchObject({
    state: 'paused',
    canary: { handedOut: 1_000 },
  });
  await eventually(
    'the report',
    () => lines,
    ({ length }) => length > 0,
  );
  expect(lines[0]?.slice(0, 2)).toEqual(['fill-email-domain', 'may go on']);
  await backfills.cancel('fill-email-domain');
  // In the past, from 2030 on.
  await evaluate(snippet('finishBy:').replace('2030-', '2099-'), { backfills });
  expect(await finished('fill-email-domain')).toMatchObject({
    state: 'completed',
    finishBy: '2099-01-31T05:00:00.000Z',
  });
});

it('the parameters of the guides choose the rows of a run, and what its handler writes', async () => {
  await bench.database.query(
    'CREATE TABLE keyed_message (id int PRIMARY KEY, key_id text NOT NULL, sent_at timestamptz NOT NULL)',
  );
  await bench.database.query(
    `INSERT INTO keyed_message SELECT n, 'k1', '2025-12-30Z'::timestamptz + n * interval '12 h' FROM generate_series(1, 8) n`,
  );
  const named = (options: object) => Entity({ ...options, tableName: 'keyed_message' });
  const names = { ...library, Entity: named, PrimaryKey, Property, z };
  const code = snippet('class ChangeKey');
  const { ChangeKey, Message: Keyed } = evaluate(code, names, '{ ChangeKey, Message }') as Record<
    string,
    Type
  >;
  const app = await bench.start({ handlers: [ChangeKey as Type], entities: [Keyed as Type] });
  await evaluate(snippet("start('change-key'"), { backfills: app.backfills });
  expect(await app.finished('change-key')).toMatchObject({
    state: 'completed',
    rowsDone: 3,
    params: { keyId: 'k2', before: '2026-01-01T00:00:00.000Z', mode: 'careful' },
  });
  const changed = await bench.database.query(`SELECT id FROM keyed_message WHERE key_id = 'k2' ORDER BY id`);
  expect(changed).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});

it('the guards of the guides let operators in and nobody else', () => {
  const names = { Injectable, process: { env: { ADMIN_TOKEN: 'secret' } } };
  const guardOf = (name: string) => {
    const Guard = evaluate(snippet(`class ${name}`), names, name) as Type<CanActivate>;
    return (request: object) =>
      new Guard().canActivate({
        switchToHttp: () => ({ getRequest: () => request }),
      } as ExecutionContext);
  };
  const byToken = guardOf('TokenGuard');
  expect(byToken({ headers: { authorization: 'Bearer secret' } })).toBe(true);
  expect(byToken({ headers: { authorization: 'Bearer other' } })).toBe(false);
  expect(byToken({ headers: {} })).toBe(false);
  const bySession = guardOf('SessionGuard');
  const request = { session: { user: { name: 'ada', isOperator: true } } };
  expect(bySession(request)).toBe(true);
  expect(request).toMatchObject({ user: { name: 'ada' } });
  expect(bySession({ session: { user: { name: 'bob', isOperator: false } } })).toBe(false);
  expect(bySession({})).toBe(false);
});

it('the migration and handlers of the guide to undo give back what they have written', async () => {
  await fillMessages();
  const { createJournalSchema, dropJournalSchema, BACKFILL_JOURNAL_ENTITIES, idRange, keyset } = library;
  const Schema = evaluate(
    snippet('class Migration20260112'),
    { Migration, createJournalSchema, dropJournalSchema },
    'Migration20260112',
  ) as { prototype: { up(): Promise<void>; down(): Promise<void> } };
  const sql: string[] = [];
  const migration = Object.assign(Object.create(Schema.prototype) as typeof Schema.prototype, {
    addSql: (statement: string) => sql.push(statement),
  });
  await migration.up();
  await bench.database.query(sql.splice(0).join('\n'));
  const handlers = ['ArchiveWithUndo', 'ArchiveQuickly'].map(
    (name) => evaluate(snippet(`class ${name}`), { Backfill, idRange, keyset, Message }, name) as Type,
  );
  const { app, backfills, finished } = await bench.start({
    handlers,
    entities: [Message, ...BACKFILL_JOURNAL_ENTITIES],
  });
  for (const name of ['archive-with-undo', 'archive-quickly']) {
    const { runId } = await backfills.start(name, { config: UNPACED });
    expect(await finished(name)).toMatchObject({ state: 'completed', journaled: 34 });
    expect(await archived()).toBe(50);
    await backfills.undo(name, { runId });
    expect(await finished(name)).toMatchObject({ state: 'completed', undoes: runId, conflicts: 0 });
    expect(await archived()).toBe(16);
  }
  await app.close();
  await migration.down();
  await bench.database.query(sql.join('\n'));
});

it('the calls that hold everything release it, too', async () => {
  const { backfills } = await bench.start({ handlers: [] });
  await evaluate(snippet("reason: 'incident 42'"), { backfills });
  expect(await backfills.globalHold()).toBeNull();
  expect((await backfills.history('*')).map(({ type, data }) => [type, data['by']])).toEqual([
    ['releasedAll', 'ana'],
    ['heldAll', 'ana'],
  ]);
});

it('the budget of the guides is in force, and its handler acquires calls', async () => {
  await bench.database.query('TRUNCATE customer');
  await bench.database.query(`INSERT INTO customer SELECT n, n || '@a.example' FROM generate_series(1, 5) n`);
  const { Backfill: _, BackfillModule, ...others } = library;
  const forRoot = (options: object) => BackfillModule.forRoot({ keyPrefix: bench.keyPrefix(), ...options });
  const code = `const mounted = ${snippet('rowsPerSecond: 20_000')}`;
  const mounted = evaluate(code, { BackfillModule: { forRoot } }, 'mounted') as DynamicModule;
  const fetch = async () => new Response('a.example');
  const names = { ...others, Backfill, Customer, fetch };
  const handler = evaluate(snippet('class AskDirectory'), names, 'AskDirectory') as Type;
  const only = [...Object.values(appModules({ ...bench, entities: [Customer] })), mounted];
  const { backfills, finished } = await bench.start({ handlers: [handler], only });
  const configure = snippet('backfills.configureBudget(');
  const [limits, version] = (await evaluate(`${configure}; return [limits, version];`, {
    backfills,
  })) as unknown[];
  expect(limits).toEqual({
    concurrency: 8,
    rangesPerSecond: 50,
    rowsPerSecond: 20_000,
    callsPerSecond: { directory: 20 },
    perTable: 1,
  });
  expect(version).toBe('1');
  await backfills.start('ask-directory', { config: UNPACED });
  expect(await finished('ask-directory')).toMatchObject({ state: 'completed', rowsDone: 5 });
  expect(await bench.database.query('SELECT DISTINCT domain FROM customer')).toEqual([
    { domain: 'a.example' },
  ]);
});

it('the calls that override a throttle end that, too', async () => {
  const throttle = {
    name: 'postgres-replication-lag',
    measure: () => Promise.resolve({ pressure: 1, reason: '' }),
  };
  const handler = defineBackfill({
    name: 'enrich-accounts',
    source: numbers(1),
    throttles: [throttle],
    processRange: () => {},
  });
  const { backfills } = await bench.start({ handlers: [handler] });
  await evaluate(snippet('backfills.override('), { backfills });
  expect(await backfills.status('enrich-accounts')).toMatchObject({ overrides: [] });
  expect(await backfills.history('enrich-accounts')).toHaveLength(2);
});

it('leaves no snippet out but those that other tests run', () => {
  const elsewhere = (code: string) =>
    code.startsWith('// src/') || code.includes('admin: {') || code.includes('createBullBoard');
  expect(snippets.filter((code) => !run.has(code) && !elsewhere(code))).toEqual([]);
});
