/** How many documents each backfill of the app below has. */
export const DOCS = 40;

/** Every tenth document is written by the app before the backfill flushes it, and every tenth deleted. */
export const TENTH = DOCS / 10;

/**
 * A program whose backfills rewrite the documents that another connection writes at the same time. It prints, by
 * backfill, what was counted and which documents are wrong at the end. `lock` holds its rows while they are handled, so
 * the others write between its read and its lock.
 */
export const GUARDED = `import { MikroORM, defineEntity, p } from '@mikro-orm/core';
import type { EventSubscriber, InferEntity } from '@mikro-orm/core';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { Backfill, BackfillModule, BackfillService, keyset } from 'nestjs-backfill';
import type { BackfillGuard, BatchHandler, RowHandler } from 'nestjs-backfill';

const Doc = defineEntity({
  name: 'Doc',
  tableName: '{table}',
  properties: {
    id: p.integer().primary(),
    backfill: p.text(),
    shape: p.integer(),
    seen: p.integer(),
    body: p.json<{ hits: number; form?: string }>(),
  },
});
type Doc = InferEntity<typeof Doc>;

/** Writes documents by a connection that is not the backfill's. */
class Stranger implements EventSubscriber {
  orm: MikroORM | null = null;
  private readonly met = new Set<number>();
  private held: readonly Doc[] = [];

  async write(docs: readonly Doc[]): Promise<void> {
    for (const { id } of docs) {
      const kind = this.met.has(id) ? null : id % 10;
      this.met.add(id);
      if (kind === 3) {
        await this.execute(\`update {table} set body = jsonb_set(body, '{hits}', '1') where id = \${id}\`);
      } else if (kind === 5) {
        await this.execute(\`update {table} set seen = 1 where id = \${id}\`);
      } else if (kind === 7) {
        await this.execute(\`delete from {table} where id = \${id}\`);
      }
    }
  }

  /** Has the documents written when a transaction is about to begin. */
  async atNextTransaction(docs: readonly Doc[]): Promise<void> {
    this.held = docs;
  }

  async beforeTransactionStart(): Promise<void> {
    const docs = this.held;
    this.held = [];
    await this.write(docs);
  }

  async execute<Row = unknown>(sql: string): Promise<Row[]> {
    return (await this.orm!.em.getConnection().execute(sql)) as Row[];
  }
}

const stranger = new Stranger();

function options(name: string, guard?: BackfillGuard) {
  return {
    name,
    source: keyset(Doc, { orderBy: { id: 'asc' }, where: { backfill: name, shape: 1 } }),
    ...(guard && { guard }),
    config: { batchSize: 20, perSecondOnPeak: null, perSecondOffPeak: null },
  };
}

function rewrite(doc: Doc): void {
  doc.body = { ...doc.body, form: 'new' };
  doc.shape = 2;
}

class Batches implements BatchHandler<Doc> {
  async processBatch(docs: Doc[]) {
    docs.forEach(rewrite);
    await stranger.write(docs);
  }
}

@Injectable()
@Backfill(options('default'))
class ByDefault extends Batches {}

@Injectable()
@Backfill(options('columns', { columns: ['body'] }))
class ByColumns extends Batches {}

@Injectable()
@Backfill(options('none', 'none'))
class WithoutGuard extends Batches {}

@Injectable()
@Backfill(options('rows'))
class Rows implements RowHandler<Doc> {
  async processRow(doc: Doc) {
    rewrite(doc);
    await stranger.write([doc]);
  }
}

@Injectable()
@Backfill({ ...options('lock', 'lock'), config: { batchSize: {docs}, concurrency: 1, perSecondOnPeak: null, perSecondOffPeak: null } })
class Locking implements BatchHandler<Doc> {
  async processBatch(docs: Doc[]) {
    docs.forEach(rewrite);
  }
}

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env.DATABASE_URL,
      entities: [Doc],
      subscribers: [stranger],
    }),
    BullModule.forRoot({ connection: { url: process.env.REDIS_URL } }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({ keyPrefix: '{table}' }),
  ],
  providers: [ByDefault, ByColumns, WithoutGuard, Rows, Locking],
})
class GuardedModule {}

async function main() {
  const app = await NestFactory.createApplicationContext(GuardedModule, { logger: ['error', 'warn'] });
  const service = app.get(BackfillService);
  stranger.orm = app.get(MikroORM);
  const results: Record<string, unknown> = {};
  for (const name of ['default', 'columns', 'rows', 'lock', 'none']) {
    if (name === 'lock') {
      const ids = await stranger.execute<Doc>(\`select id from {table} where backfill = 'lock'\`);
      await stranger.atNextTransaction(ids);
    }
    await service.start(name);
    let status = await service.status(name);
    while (status.state === 'running') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      status = await service.status(name);
    }
    const [counts] = await stranger.execute(\`select count(*)::int as left,
      count(*) filter (where id % 10 = 3 and (body->>'hits')::int = 0)::int as lost,
      count(*) filter (where id % 10 = 5 and seen = 0)::int as unseen,
      count(*) filter (where id % 10 = 7)::int as revived,
      count(*) filter (where body->>'form' is distinct from 'new' or shape <> 2)::int as old
      from {table} where backfill = '\${name}'\`);
    const { items } = await service.failures(name);
    const { state, rowsDone, rowsRechecked } = status;
    results[name] = { state, rowsDone, rowsRechecked, failures: items.map(({ error }) => error.message), ...(counts as object) };
  }
  await app.close();
  console.log(JSON.stringify(results));
}

void main();
`;
