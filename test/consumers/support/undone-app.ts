/** How many lines the backfill of the app below has. */
export const LINES = 24;

/** Of every third line a savepoint is rolled back, which leaves it as it was. */
export const ROLLED_BACK = LINES / 3;

/**
 * A program that rehearses a backfill with parameters, starts it with a canary, resumes it, and undoes it. It prints what it
 * has seen at each step. Its handler catches the error of a savepoint, whose rollback must not take other rows with it.
 */
export const UNDONE = `import { MikroORM, defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import {
  Backfill,
  BACKFILL_JOURNAL_ENTITIES,
  BackfillModule,
  BackfillService,
  createJournalSchema,
  keyset,
} from 'nestjs-backfill';
import type { BackfillContext, RowHandler } from 'nestjs-backfill';

const Line = defineEntity({
  name: 'Line',
  tableName: '{table}',
  properties: { id: p.integer().primary(), word: p.text(), touches: p.integer() },
});
type Line = InferEntity<typeof Line>;

interface Params {
  word: string;
}

/** A Standard Schema without a library. */
const params = {
  '~standard': {
    version: 1 as const,
    vendor: 'app',
    validate: (value: unknown) => {
      const word = (value as Partial<Params> | null)?.word;
      return typeof word === 'string' ? { value: { word } } : { issues: [{ message: 'expected a word', path: ['word'] }] };
    },
    types: undefined as { input: Params; output: Params } | undefined,
  },
};

@Injectable()
@Backfill({
  name: 'reword',
  source: keyset(Line, { orderBy: { id: 'asc' } }),
  params,
  undo: {},
  config: { batchSize: {lines}, rowConcurrency: 1, perSecondOnPeak: null, perSecondOffPeak: null },
})
class Reword implements RowHandler<Line, Params> {
  async processRow(line: Line, { em, params: { word } }: BackfillContext<Params>) {
    if (line.id % 3 !== 0) {
      line.word = word;
      return;
    }
    await em.transactional(async (outer) => {
      try {
        await outer.transactional(async (inner) => {
          line.touches = 99;
          await inner.flush();
          throw new Error('not now');
        });
      } catch {
        line.touches = 0;
      }
    });
  }
}

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env.DATABASE_URL,
      entities: [Line, ...BACKFILL_JOURNAL_ENTITIES],
    }),
    BullModule.forRoot({ connection: { url: process.env.REDIS_URL } }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({ keyPrefix: '{table}' }),
  ],
  providers: [Reword],
})
class UndoneModule {}

async function main() {
  const orm = await MikroORM.init({ driver: PostgreSqlDriver, clientUrl: process.env.DATABASE_URL, entities: [Line] });
  await createJournalSchema(orm.em.fork());
  const execute = <Row>(statement: string) => orm.em.getConnection().execute(statement) as unknown as Promise<Row[]>;
  const app = await NestFactory.createApplicationContext(UndoneModule, { logger: ['error', 'warn'] });
  const service = app.get(BackfillService);
  const settled = async () => {
    let status = await service.status('reword');
    while (status.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      status = await service.status('reword');
    }
    const { state, rowsDone, journaled, conflicts, canary } = status;
    const [counts] = await execute<object>(\`select count(*) filter (where word = 'new')::int as reworded,
      count(*) filter (where touches <> 0)::int as touched from {table}\`);
    return { state, rowsDone, journaled, conflicts, canary: canary?.state ?? null, ...counts };
  };
  const refused = await service.start('reword', { params: {} }).then(() => '', (error: Error) => error.message);
  const rehearsal = await service.rehearse('reword', { params: { word: 'new' }, rows: {lines} });
  const rehearsed = {
    rows: rehearsal.rows.length,
    untouched: rehearsal.untouched,
    errors: rehearsal.errors.length,
    words: [...new Set(rehearsal.rows.filter(({ changed }) => changed.length > 0).map(({ after }) => after?.word))],
    ...(await settled()),
  };
  const { runId } = await service.start('reword', { params: { word: 'new' }, canary: { rows: 6, maxFailures: 0 } });
  const canary = await settled();
  await service.resume('reword');
  const completed = await settled();
  await service.undo('reword', { runId });
  const undone = await settled();
  await app.close();
  await orm.close(true);
  console.log(JSON.stringify({ refused, rehearsed, canary, completed, undone }));
}

void main();
`;
