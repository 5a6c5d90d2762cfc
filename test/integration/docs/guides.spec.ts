import { compileCodes } from '../../support/compile-codes.js';
import { readDocument, readSnippets } from '../../support/docs/index.js';

const fromSuperSpreader = await readDocument('sample/guides/coming-from-super-spreader.md');

/** What short snippets stand in; those that name a file are whole, and run by another test. */
const AROUND = `
import { Injectable, Module } from '@nestjs/common';
import type { CanActivate } from '@nestjs/common';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { array, Backfill, BackfillModule, csvFile, eventLoopLag, heapUse, httpThrottle, idRange, keyset, postgresConnections, postgresLockWait, postgresReplicationLag, probeLatency, queueDepth, RateLimitedError, thresholdThrottle } from 'nestjs-backfill';
import type { BackfillContext, BackfillService, BatchHandler, IdRange, RangeHandler, RowHandler, RowVerifier } from 'nestjs-backfill';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { getBackfillQueueToken } from 'nestjs-backfill';
declare const app: NestExpressApplication;
declare const backfills: BackfillService;
declare const searchIndex: { pendingDocuments(): Promise<number> };
@Entity()
class Message {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'boolean' }) archived!: boolean;
}
@Entity()
class Customer {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'text' }) email!: string;
  @Property({ type: 'text', nullable: true }) domain!: string | null;
}
@Injectable()
class AdminGuard implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}
export { AdminGuard, app, array, backfills, BullMQAdapter, createBullBoard, csvFile, Customer, ExpressAdapter, getBackfillQueueToken, Backfill, BackfillModule, eventLoopLag, heapUse, httpThrottle, idRange, keyset, Message, Module, postgresConnections, postgresLockWait, postgresReplicationLag, probeLatency, queueDepth, searchIndex, RateLimitedError, thresholdThrottle };
export type { BackfillContext, BatchHandler, IdRange, RangeHandler, RowHandler, RowVerifier };
`;
const snippets = (await readSnippets())
  .filter((code) => !code.startsWith('// src/'))
  .map((code) => (code.startsWith('import ') ? code : AROUND + code));

describe('the guides', () => {
  it('have snippets', () => {
    expect(snippets.length).toBeGreaterThan(2);
  });

  describe('compile', () => {
    const wrong = [`${AROUND}\nconst wrong: number = 'text';`, 'const = 1;'];
    let problems: string[][];
    beforeAll(() => {
      problems = compileCodes([...snippets, ...wrong], 'test/integration/docs');
    });

    it.each(snippets.map((code, i) => [code.trim().split('\n').at(-1), i]))('…%s', (_end, i) => {
      expect(problems[i]).toEqual([]);
    });

    it('only where syntax and types are right', () => {
      expect(problems.slice(snippets.length)).toEqual([
        ["Type 'string' is not assignable to type 'number'."],
        expect.arrayContaining(['Variable declaration expected.']),
      ]);
    });
  });

  it.each([
    'SchedulerConfig',
    'SpreadTracker',
    'StopSignal',
    'SchedulerJob',
    'Spreader',
    'BatchHelper',
    'log line',
    'roadmap',
    'initial_id',
    'per_second_on_peak',
    'on_peak_wday_begin',
    'batch_size',
  ])('tell users of super_spreader where %s is', (word) => {
    const table = fromSuperSpreader.split('\n').filter((line) => line.startsWith('|'));
    expect(table.join('\n')).toContain(word);
  });
});
