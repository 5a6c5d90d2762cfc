import { EntitySchema } from '@mikro-orm/core';
import { Injectable } from '@nestjs/common';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset, OnBackfill } from 'nestjs-backfill';
import { ensureCompleted } from 'nestjs-backfill/migrations';
import { JournalCleaner } from '../../../lib/journal/journal.cleaner.js';
import type { BackfillContext, BackfillEvent, BackfillUndoOptions } from 'nestjs-backfill';
import { CommandLine } from '../cli/command-line.js';
import { createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';

class Seat {
  row!: string;
  place!: number;
  state!: string;
  touches!: number;
}

const SeatSchema = new EntitySchema<Seat>({
  class: Seat,
  tableName: 'seats',
  properties: {
    row: { type: 'text', primary: true },
    place: { type: 'integer', primary: true },
    state: { type: 'text' },
    touches: { type: 'integer' },
  },
});

const heard: string[] = [];

@Injectable()
class Listener {
  @OnBackfill('started')
  onStart({ runId, data }: BackfillEvent<'started'>): void {
    heard.push(`${runId} undoes ${data.undoes ?? 'nothing'}`);
  }
}

const ROWS = 30;
const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(
  'CREATE TABLE seats ("row" text, place int, state text NOT NULL UNIQUE, touches int NOT NULL, PRIMARY KEY ("row", place))',
);
const source = keyset(SeatSchema, { orderBy: { row: 'asc', place: 'asc' } });

beforeEach(async () => {
  await database.query('TRUNCATE seats, backfill_journals, backfill_journal_rows');
  await database.query(
    `INSERT INTO seats SELECT 'it''s "A"', g, 'new' || g, 0 FROM generate_series(1, ${ROWS}) g`,
  );
});

function seats(
  processBatch: (rows: Seat[], context: BackfillContext) => Promise<void> | void,
  undo: BackfillUndoOptions = {},
) {
  return bench.start({
    entities: [SeatSchema, ...BACKFILL_JOURNAL_ENTITIES],
    handlers: [
      defineBackfill<never, Seat>({
        name: 'seats',
        source,
        undo,
        config: { batchSize: 4, perSecondOnPeak: null, perSecondOffPeak: null, attempts: 2, backoffMs: 0 },
        processBatch,
      }),
      Listener,
    ],
  });
}

const contents = () => database.query('SELECT * FROM seats ORDER BY "row", place');

async function completed(app: Awaited<ReturnType<typeof seats>>): Promise<string> {
  const { runId } = await app.backfills.start('seats');
  expect(await app.finished('seats')).toMatchObject({ state: 'completed' });
  return runId;
}

async function undone(app: Awaited<ReturnType<typeof seats>>, runId: string) {
  const { code, out } = await new CommandLine(app.app).piped(
    'undo',
    'seats',
    '--run',
    runId,
    '--reason',
    'wrong',
  );
  expect([code, out]).toEqual([0, expect.stringContaining(`which undoes run ${runId}`)]);
  const status = await app.finished('seats');
  expect(status).toMatchObject({ state: 'completed', undoes: runId });
  return status;
}

it('rows that the app has written since stay, and are listed', async () => {
  const app = await seats((rows) => rows.forEach((seat) => (seat.state = `old${seat.place}`)));
  const runId = await completed(app);
  await database.query(`UPDATE seats SET state = 'theirs' WHERE place = 3`);
  await database.query('DELETE FROM seats WHERE place = 9');
  // Other columns are no conflict, and a row that has its old value already is undone.
  await database.query('UPDATE seats SET touches = 7 WHERE place = 4');
  await database.query(`UPDATE seats SET state = 'new5' WHERE place = 5`);
  expect(await undone(app, runId)).toMatchObject({ conflicts: 2, rowsDone: ROWS });
  expect(await contents()).toEqual(
    Array.from({ length: ROWS }, (_, i) => ({
      row: `it's "A"`,
      place: i + 1,
      state: i === 2 ? 'theirs' : `new${i + 1}`,
      touches: i === 3 ? 7 : 0,
    })).filter(({ place }) => place !== 9),
  );
  const first = await app.backfills.undoConflicts('seats', { limit: 1 });
  const { items, next } = await app.backfills.undoConflicts('seats', { after: String(first.next) });
  expect([...first.items, ...items]).toEqual([
    { table: '"public"."seats"', key: [`it's "A"`, '3'], reason: 'changed', columns: ['state'] },
    { table: '"public"."seats"', key: [`it's "A"`, '9'], reason: 'gone', columns: ['state'] },
  ]);
  expect(next).toBeNull();
  const cli = new CommandLine(app.app);
  const listed = await cli.piped('conflicts', 'seats');
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toMatch(/\["it's \\"A\\"","9"\]\s+gone\s+state/);
  expect(await cli.piped('undo', 'seats', '--run', runId)).toMatchObject({ code: 4 });
  expect(await cli.piped('undo', 'seats')).toMatchObject({ code: 2 });
  await expect(app.backfills.undoConflicts('seats', { after: 'x' })).rejects.toMatchObject({
    code: 'BACKFILL_REQUEST_INVALID',
  });
});

it('history, events, listeners, lists and log say which run an undo undoes', async () => {
  const app = await seats((rows) => rows.forEach((seat) => (seat.state = `old${seat.place}`)));
  const events: BackfillEvent[] = [];
  const subscription = app.backfills.events().subscribe((event) => events.push(event));
  const runId = await completed(app);
  const undo = await undone(app, runId);
  const data = { by: expect.any(String), reason: 'wrong', dryRun: false, undoes: runId };
  expect(await app.backfills.history('seats', { types: ['started'] })).toMatchObject([
    { runId: undo.runId, data },
    { runId, data: expect.not.objectContaining({ undoes: expect.anything() }) },
  ]);
  await eventually(
    'the event',
    () => events,
    () => events.some((event) => event.type === 'started' && event.data.undoes === runId),
  );
  subscription.unsubscribe();
  await eventually(
    'the listener',
    () => heard,
    () => heard.includes(`${undo.runId} undoes ${runId}`),
  );
  expect(await app.backfills.list()).toMatchObject([{ name: 'seats', undoes: runId }]);
  expect((await app.backfills.overview()).backfills).toMatchObject([{ name: 'seats', undoes: runId }]);
  const cli = new CommandLine(app.app);
  expect((await cli.piped('list')).out).toMatch(/seats\s+completed \(undo\)/);
  expect((await cli.piped('status', 'seats')).out).toContain(`undoes run ${runId}`);
  expect((await cli.piped('runs', 'seats')).out).toContain(`completed (undoes ${runId})`);
  expect((await cli.piped('history', 'seats', '--run', undo.runId!)).out).toContain(`"undoes":"${runId}"`);
  expect(app.logs.lines.join('\n')).toMatch(
    new RegExp(`\\[seats run ${undo.runId}\\] started to undo run ${runId} by .*: wrong`),
  );
});

it('rows that were handled twice get the values from before the first time, unless the app wrote in between', async () => {
  const calls = new Map<number, number>();
  const app = await seats(async (rows, { em }) => {
    for (const seat of rows) {
      const call = (calls.get(seat.place) ?? 0) + 1;
      calls.set(seat.place, call);
      seat.state = `old${seat.place}-${call}`;
      seat.touches = call === 1 ? 1 : seat.touches;
    }
    if (rows.some(({ place }) => place === 6) && calls.get(6) === 1) {
      // Flushed by the handler, which then fails.
      await em.flush();
      await database.query(`UPDATE seats SET state = 'theirs' WHERE place = 7`);
      throw new Error('once');
    }
  });
  const before = await contents();
  const runId = await completed(app);
  expect(calls.get(6)).toBe(2);
  expect(await undone(app, runId)).toMatchObject({ conflicts: 0 });
  expect(await contents()).toEqual(
    before.map((row) =>
      (row as unknown as Seat).place === 7 ? Object.assign(row, { state: 'theirs' }) : row,
    ),
  );
});

it('rows that the handler adds are deleted, and those that it removes are inserted again', async () => {
  const app = await seats((rows, { em }) => {
    for (const seat of rows) {
      if (seat.place % 10 === 0) {
        em.remove(seat);
        em.create(SeatSchema, { row: 'added', place: seat.place, state: `added${seat.place}`, touches: 1 });
      }
    }
  });
  const before = await contents();
  const runId = await completed(app);
  expect(await database.query(`SELECT place FROM seats WHERE "row" = 'added'`)).toHaveLength(3);
  // Of one that was added and one that was removed the app has done something else.
  await database.query(`UPDATE seats SET touches = 2 WHERE "row" = 'added' AND place = 10`);
  await database.query(`INSERT INTO seats VALUES ('other', 1, 'new20', 0)`);
  expect(await undone(app, runId)).toMatchObject({ conflicts: 2 });
  expect((await app.backfills.undoConflicts('seats')).items).toMatchObject([
    { key: ['added', '10'], reason: 'changed' },
    { key: [`it's "A"`, '20'], reason: 'blocked' },
  ]);
  const left = (await contents()).filter((row) => (row as unknown as Seat).row === `it's "A"`);
  expect(left).toEqual(before.filter((row) => (row as unknown as Seat).place !== 20));
});

it('a run whose undo is done is not completed, until it is run again', async () => {
  const app = await seats((rows) => rows.forEach((seat) => (seat.state = `${seat.state}!`)));
  const runId = await completed(app);
  await ensureCompleted('seats', { app: app.app });
  await undone(app, runId);
  await expect(ensureCompleted('seats', { app: app.app })).rejects.toThrow(
    `its newest run undid run ${runId}`,
  );
  await completed(app);
  await ensureCompleted('seats', { app: app.app });
});

it('a handler that journals nothing is named', async () => {
  const app = await seats(async (rows, { em }) => {
    await em.nativeUpdate(SeatSchema, { place: { $in: rows.map(({ place }) => place) } }, { touches: 5 });
  });
  const runId = await completed(app);
  expect((await app.backfills.status('seats')).warnings).toEqual([
    expect.stringMatching(
      /nothing of it is in the journal[^]*Defined has to write statements within ctx\.journal/,
    ),
  ]);
  await expect(app.backfills.undo('seats', { runId })).rejects.toThrow('no row that is not settled');
});

it('a journal is removed when its days are over, and not before', async () => {
  const app = await seats((rows) => rows.forEach((seat) => (seat.state = `${seat.state}!`)), { keepDays: 2 });
  const runId = await completed(app);
  const cleaner = app.app.get(JournalCleaner, { strict: false });
  const at = (days: number) => new Date(Date.now() + days * 24 * 3_600_000);
  expect(await cleaner.clean(at(1.9))).toBe(0);
  expect(await cleaner.clean(at(2.1))).toBe(ROWS);
  expect(await database.query('SELECT * FROM backfill_journals')).toEqual([]);
  await expect(app.backfills.undo('seats', { runId })).rejects.toThrow('there is no journal of it');
});

it('an app without the tables or with a wrong option does not start, and the error says why', async () => {
  const start = (undo: object, entities = [SeatSchema, ...BACKFILL_JOURNAL_ENTITIES]) =>
    bench.start({
      entities,
      handlers: [defineBackfill({ name: 'seats', source, undo, processBatch: () => undefined })],
    });
  await expect(start({}, [SeatSchema])).rejects.toThrow('entities: [..., ...BACKFILL_JOURNAL_ENTITIES]');
  await expect(start({ keepDays: 0 })).rejects.toThrow(
    'undo.keepDays of backfill "seats" must be a whole number',
  );
  await expect(start({ columns: ['stat'] })).rejects.toThrow(
    'must name properties of its entity (row, place, state',
  );
  await database.query('ALTER TABLE backfill_journal_rows RENAME TO elsewhere');
  try {
    await expect(start({})).rejects.toThrow(
      /backfill_journal_rows is missing[^]*await createJournalSchema\(this\)/,
    );
  } finally {
    await database.query('ALTER TABLE elsewhere RENAME TO backfill_journal_rows');
  }
});

it('a journal that has maxRows pauses its run, which can then be undone', async () => {
  const app = await seats((rows) => rows.forEach((seat) => (seat.state = `${seat.state}!`)), { maxRows: 8 });
  const before = await contents();
  const { runId } = await app.backfills.start('seats', {
    config: { concurrency: 1, perSecondOnPeak: 20, perSecondOffPeak: 20 },
  });
  const paused = await app.finished('seats');
  expect(paused).toMatchObject({
    state: 'paused',
    stateReason: expect.stringContaining('undo.maxRows is 8'),
  });
  await eventually(
    'no worker',
    () => app.backfills.status('seats'),
    ({ workers }) => workers === 0,
  );
  await undone(app, runId);
  expect(await contents()).toEqual(before);
  expect(await app.backfills.run('seats', runId)).toMatchObject({ status: 'cancelled' });
});
