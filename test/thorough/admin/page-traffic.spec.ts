import { setTimeout as sleep } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import type { BrowserContext, Page } from 'playwright-core';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import { startAdminApp, type AdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { openBrowser } from '../../support/browser/index.js';
import { monitorCommands, type MonitoredCommand } from '../../support/services/monitor-commands.js';
import { startRedis, type RedisServer } from '../../support/services/redis.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();
const RATE = { perSecondOnPeak: 2, perSecondOffPeak: 2 };
const NAMES = Array.from({ length: 61 }, (_, i) => `work-${String(i).padStart(2, '0')}`);
const RUNNING = NAMES.slice(0, 8);

interface Answer {
  readonly path: string;
  readonly query: string;
  /** By the clock of the page: this process learns of requests late where the machine is busy. */
  readonly at: number;
  readonly bytes: number;
}

/** What the page shown in a tab asks the server for, and what that costs Redis. */
describe('the traffic of the page of 61 backfills', () => {
  let server: RedisServer;
  let admin: AdminApp;
  let browser: BrowserContext;
  const streams = new Set<Response>();
  /** Requests that the server has got, by path. */
  const requests = new Map<string, number>();

  beforeAll(async () => {
    // Of its own, as the commands of all clients are counted.
    server = await startRedis();
    browser = await openBrowser({ viewport: { width: 1440, height: 900 } });
    admin = await startAdminApp(bench, {
      servers: { redis: { connection: { host: server.host, port: server.port, db: 0 } } },
      admin: { path: 'ops', allowUnguarded: true },
      handlers: NAMES.map((name) =>
        defineBackfill({
          name,
          source: numbers(100_000),
          config: { batchSize: 10, ...RATE },
          processRange: () => 10,
        }),
      ),
      configure: (app) => {
        app.use((request: Request, response: Response, next: NextFunction) => {
          requests.set(request.path, (requests.get(request.path) ?? 0) + 1);
          if (request.path.endsWith('/events')) {
            streams.add(response);
            response.once('close', () => streams.delete(response));
          }
          next();
        });
      },
    });
  });
  afterAll(async () => {
    await browser.close();
    await admin.close();
    await server.stop();
  });
  afterEach(async () => {
    await Promise.all(browser.pages().map((page) => page.close()));
  });

  async function openPage(hash = '', context = browser): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${admin.origin}/ops/ui${hash}`);
    await page.locator('#connection').filter({ hasText: 'Live' }).waitFor();
    return page;
  }

  /** Counts the events that a tab is told of, each of which would make it read. */
  const countEvents = (page: Page) =>
    page.evaluate(
      `window.told = 0;
      new BroadcastChannel('nestjs-backfill:/ops').addEventListener('message', () => window.told++)`,
    );

  /** Waits for more events, and until the tab has got the answer of what it read before. */
  async function eventsOf(page: Page): Promise<void> {
    const before = await page.evaluate<number>('told');
    await eventually(
      'events',
      () => page.evaluate<number>('told'),
      (count) => count >= before + 5,
    );
    await page.evaluate(`fetch('/ops/hold').then((answer) => answer.json())`);
  }

  /** The answers that a tab has got, without its own files. */
  async function answersOf(page: Page): Promise<Answer[]> {
    const entries = await page.evaluate<{ name: string; startTime: number; decodedBodySize: number }[]>(
      `performance.getEntriesByType('resource').map(({ name, startTime, decodedBodySize }) => ({ name, startTime, decodedBodySize }))`,
    );
    return entries.flatMap(({ name, startTime, decodedBodySize }) => {
      const { pathname, search } = new URL(name);
      return pathname.startsWith('/ops/ui') || pathname.endsWith('/events')
        ? []
        : [{ path: pathname.slice('/ops'.length), query: search, at: startTime, bytes: decodedBodySize }];
    });
  }

  /** Waits until a tab has got so many answers of this path. */
  const polled = (page: Page, path: string, count: number) =>
    eventually(
      `${count} answers of ${path}`,
      () => answersOf(page),
      (answers) => answers.filter((answer) => answer.path === path).length >= count,
    );
  const overviewsOf = async (page: Page, count: number) =>
    (await polled(page, '/overview', count)).filter(({ path }) => path === '/overview');
  const gapsOf = (answers: readonly Answer[]) =>
    answers.slice(1).map(({ at }, i) => at - (answers[i]?.at ?? 0));
  const setHidden = (page: Page, hidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`,
    );

  /** The commands in so many ms, those that scripts call among them. */
  const commandsIn = (ms: number) => monitorCommands(server, () => sleep(ms));

  /** The commands of an app without a run: the watchdog's, and the blocking reads of the events. */
  function idleCommands(commands: readonly MonitoredCommand[]): readonly MonitoredCommand[] {
    const tick = digestOf(scripts.tick);
    let isTick = false;
    return commands.filter(({ isNested, name, argument }) => {
      if (isNested) return isTick;
      isTick = argument === tick;
      return isTick || name === 'xread';
    });
  }

  function digestOf(script: typeof scripts.tick | typeof scripts.overview): string {
    const keys = admin.app.get(BackfillKeys, { strict: false });
    const [source] = script.evalArguments(keys, undefined, []);
    return createHash('sha1').update(source).digest('hex');
  }

  describe('while nothing runs', () => {
    it('is a request in five seconds of the list, and at most a fifth of the commands of the app', async () => {
      const page = await openPage();
      await polled(page, '/overview', 1);
      const commands = await commandsIn(sized(12_000, 65_000));
      const own = idleCommands(commands);
      expect(own.length).toBeGreaterThan(20);
      expect(commands.length / own.length).toBeLessThan(1.2);
      const [first, ...later] = await overviewsOf(page, 3);
      expect(gapsOf(later).filter((gap) => gap < 4_900)).toEqual([]);
      // Later answers have no backfill, as none has changed.
      expect(first?.bytes).toBeGreaterThan(20_000);
      expect(later.filter(({ bytes }) => bytes > 2_000)).toEqual([]);
      // The budget, which has no limits, is read once.
      const others = (await answersOf(page)).filter(({ path }) => path !== '/overview');
      expect(others.map(({ path }) => path)).toEqual(['/budget']);
    });

    it('is a request in five seconds of one backfill, and now and then its config', async () => {
      const page = await openPage('#/work-60');
      const answers = await polled(page, '/work-60', sized(3, 5));
      const statuses = answers.filter(({ path }) => path === '/work-60');
      expect(gapsOf(statuses.slice(1)).filter((gap) => gap < 4_900)).toEqual([]);
      // The first view reads each part once.
      const later = answers.filter(({ at }) => at > (statuses[1]?.at ?? 0) - 100);
      expect(later.length).toBeLessThanOrEqual(statuses.length + 2);
      expect(later.filter(({ bytes }) => bytes > 4_000)).toEqual([]);
    });
  });

  describe('while eight run', () => {
    beforeAll(async () => {
      for (const name of RUNNING) await admin.backfills.start(name);
      await eventually(
        'work',
        () => admin.backfills.list(),
        (statuses) => statuses.filter(({ rowsDone }) => rowsDone > 0).length === RUNNING.length,
      );
    });

    it('is a request a second of the list, of what has changed, and few of the commands', async () => {
      const ms = sized(4_000, 10_000);
      const without = (await commandsIn(ms)).length;
      const page = await openPage();
      await polled(page, '/overview', 2);
      expect((await commandsIn(ms)).length / without).toBeLessThan(1.2);
      const [first, ...later] = await overviewsOf(page, 6);
      // Eight of 61.
      expect(later.filter(({ bytes }) => bytes > (first?.bytes ?? 0) / 3)).toEqual([]);
    });

    it('is at most four requests a second of one backfill, with the samples that are new', async () => {
      const page = await openPage('#/work-00');
      const answers = await polled(page, '/work-00', 7);
      const of = (part: string) => answers.filter(({ path }) => path === `/work-00${part}`);
      const statuses = of('');
      expect(answers.length).toBeLessThan(4 * statuses.length);
      const samples = of('/samples').slice(1);
      expect(samples.length).toBeGreaterThan(0);
      expect(samples.filter(({ query, bytes }) => !query.includes('after=') || bytes > 2_000)).toEqual([]);
    });

    it.each([
      ['the list in a tab', 1, '', '/overview'],
      ['the list in each of three tabs', 3, '', '/overview'],
      ['one backfill in a tab', 1, '#/work-00', '/work-00'],
    ])('is one read a second of %s, however many events there are', async (_, count, hash, path) => {
      // Of its own: its clock stands still unless the test moves it, so that nothing depends on the speed of the machine.
      const timed = await openBrowser({ viewport: { width: 1440, height: 900 } });
      try {
        await timed.clock.install();
        const tabs = await Promise.all(Array.from({ length: count }, () => openPage(hash, timed)));
        await Promise.all(tabs.map(countEvents));
        await timed.clock.pauseAt(Date.now() + 60_000);
        await Promise.all(tabs.map(eventsOf));
        const reads = () => requests.get(`/ops${path}`) ?? 0;
        const before = reads();
        const seconds = sized(4, 12);
        for (let step = 0; step < seconds * 5; step++) {
          await timed.clock.runFor(200);
          await Promise.all(tabs.map(eventsOf));
        }
        expect(reads() - before).toBeLessThanOrEqual(count * (seconds + 1));
        expect(reads() - before).toBeGreaterThanOrEqual(count * (seconds - 1));
      } finally {
        await timed.close();
      }
    });

    it.each([
      ['the list', ''],
      ['one backfill', '#/work-00'],
    ])('is none of a hidden tab of %s', async (_, hash) => {
      const page = await openPage(hash);
      await eventually(
        'its first answers',
        () => answersOf(page),
        ({ length }) => length > 0,
      );
      await countEvents(page);
      await setHidden(page, true);
      const before = (await answersOf(page)).length;
      // Another tab, which is told of the events, too.
      await openPage();
      const told = () => page.evaluate<number>('told');
      await eventually('events that would make a visible page read', told, (count) => count >= 30);
      // One may have been under way, with what follows from it.
      const during = (await answersOf(page)).length - before;
      expect(during).toBeLessThanOrEqual(hash ? 5 : 1);
      await setHidden(page, false);
      await eventually(
        'it to read again',
        () => answersOf(page),
        ({ length }) => length > before + during,
      );
    });

    it('is one event stream of ten tabs, which another tab takes over, and one read of Redis a second', async () => {
      const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => openPage()));
      expect(streams.size).toBe(1);
      const commands = await commandsIn(3_000);
      const overview = digestOf(scripts.overview);
      expect(commands.filter(({ argument }) => argument === overview).length).toBeLessThanOrEqual(4);
      // It has the stream, unless another was faster.
      await first?.close();
      await eventually(
        'one tab to have the stream',
        () => Promise.resolve(streams.size),
        (count) => count === 1,
      );
      await admin.backfills.pause('work-00', { by: 'dora', reason: 'for all tabs' });
      await Promise.all(
        others.map((page) =>
          page
            .locator('.item[data-name="work-00"] .words')
            .filter({ hasText: 'by dora: for all tabs' })
            .waitFor(),
        ),
      );
    });
  });
});
