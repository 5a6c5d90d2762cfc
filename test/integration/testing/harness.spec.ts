import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { Backfill, keyset, NonRetryableError } from 'nestjs-backfill';
import type { BackfillContext, BatchHandler, RangeHandler, KeysetRange, RowHandler } from 'nestjs-backfill';
import { BackfillHarness, FakeClock } from 'nestjs-backfill/testing';
import { createTestDatabase } from '../../support/databases/index.js';

const Note = defineEntity({ name: 'Note', properties: { id: p.integer().primary(), count: p.integer() } });
type NoteRow = InferEntity<typeof Note>;

const source = keyset(Note, { orderBy: { id: 'asc' } });
const config = { batchSize: 4 };
const ROWS = 10;

@Backfill({ name: 'set', source, config })
class SetCount implements BatchHandler<NoteRow> {
  processBatch(rows: NoteRow[]): void {
    for (const row of rows) row.count = row.id * 2;
  }
}

@Backfill({ name: 'increment', source, config })
class Increment implements RangeHandler<KeysetRange<NoteRow>> {
  async processRange(range: KeysetRange<NoteRow>, { em }: BackfillContext): Promise<void> {
    const rows = await em.find(Note, range.where);
    for (const row of rows) row.count++;
    await em.flush();
  }
}

@Backfill({ name: 'seven', source, config })
class FailsAtSeven implements RowHandler<NoteRow> {
  processRow(row: NoteRow): void {
    if (row.id === 7) throw new NonRetryableError('seven');
    row.count = 1;
  }
}

const database = await createTestDatabase();
const orm = await MikroORM.init({ clientUrl: database.url, entities: [Note] });
const reset = async () => {
  await database.query('TRUNCATE note');
  await database.query(`INSERT INTO note SELECT id, 0 FROM generate_series(1, ${ROWS}) id`);
};
const snapshot = () =>
  database.query<{ id: number; count: number }>('SELECT id, count FROM note ORDER BY id');
const harness = (handler: object) => new BackfillHarness(handler, { em: orm.em });

beforeAll(() => database.query('CREATE TABLE note (id int PRIMARY KEY, count int NOT NULL)'));
beforeEach(reset);
afterAll(() => orm.close());

@Backfill({ name: 'pinned', source, config, version: '2', onOtherVersion: 'hold' })
class Pinned extends SetCount {}

@Backfill({ name: 'unversioned', source, config, onOtherVersion: 'hold' })
class Unversioned extends SetCount {}

describe('BackfillHarness', () => {
  it('runs a handler of any version, and checks the definition as the app does', async () => {
    expect(await harness(new Pinned()).runAll()).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(() => harness(new Unversioned())).toThrow(/"unversioned": expected .*to have a version, got none/);
  });

  it('hands every row to the handler, a batch at a time', async () => {
    expect(await harness(new SetCount()).runAll()).toMatchObject({
      state: 'completed',
      handled: 3,
      rowsDone: ROWS,
    });
    expect(await snapshot()).toEqual(
      Array.from({ length: ROWS }, (_, at) => ({ id: at + 1, count: (at + 1) * 2 })),
    );
  });

  it('rolls a dry run back', async () => {
    const before = await snapshot();

    expect(await harness(new SetCount()).runAll({ dryRun: true })).toMatchObject({
      state: 'completed',
      rowsDone: ROWS,
    });
    expect(await snapshot()).toEqual(before);
  });

  it('quarantines the row that fails, and no other', async () => {
    const { state, failures, rowsDone } = await harness(new FailsAtSeven()).runAll();

    expect({ state, rowsDone }).toEqual({ state: 'failed', rowsDone: ROWS - 1 });
    expect(failures).toMatchObject([{ kind: 'row', error: { message: 'seven' } }]);
  });

  it('runs one range, and throws what the handler throws', async () => {
    await harness(new SetCount()).runRange({ from: { id: 5 } });
    expect((await snapshot()).filter(({ count }) => count > 0).map(({ id }) => id)).toEqual([5, 6, 7, 8]);

    await expect(harness(new FailsAtSeven()).runRange({ from: { id: 5 } })).rejects.toThrow('seven');
  });

  it('continues after a crash with the unacknowledged ranges', async () => {
    const killed = harness(new SetCount());

    const crash = await killed.crashAfter(1);
    const { handled } = await killed.runAll();

    expect({ state: crash.state, handled }).toEqual({ state: 'crashed', handled: 3 });
    expect((await snapshot()).every(({ id, count }) => count === id * 2)).toBe(true);
  });

  it('completes when there are fewer checkpoints', async () => {
    expect((await harness(new SetCount()).crashAfter(1000)).state).toBe('completed');
  });

  it('accepts an idempotent handler', async () => {
    expect(await harness(new SetCount()).expectIdempotent(reset, snapshot)).toBeGreaterThan(3);
  });

  it('rejects a handler that is not idempotent', async () => {
    await expect(harness(new Increment()).expectIdempotent(reset, snapshot)).rejects.toThrow(
      /A crash after checkpoint 1 /,
    );
  });

  it('rejects an object without @Backfill', () => {
    expect(() => harness(new Date())).toThrow('an instance of a class with @Backfill, got one of Date');
  });
});

describe('FakeClock', () => {
  it('computes start times across the beginning of the peak', () => {
    const clock = new FakeClock('2026-03-02T08:59:59', 'Europe/Lisbon');
    const starts = clock.starts(
      { perSecondOnPeak: 1, perSecondOffPeak: 2, onPeakHourBegin: 9, onPeakTimezone: 'Europe/Lisbon' },
      4,
    );

    expect(starts.map((at) => at.toISOString().slice(17, 23))).toEqual([
      '59.000',
      '59.500',
      '00.500',
      '01.500',
    ]);
    expect(clock.advance(1000).now().toISOString()).toBe('2026-03-02T09:00:00.000Z');
  });
});
