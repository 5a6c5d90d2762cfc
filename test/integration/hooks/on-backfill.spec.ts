import { Injectable, Scope } from '@nestjs/common';
import { OnBackfill } from 'nestjs-backfill';
import type { BackfillEvent } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { RemoteProcess } from '../../support/processes/index.js';

const bench = await createAppBench();
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 10 };
const handlers = () => [
  defineBackfill({ name: 'one', source: numbers(20), config: UNPACED, processRange: () => {} }),
  defineBackfill({ name: 'two', source: numbers(20), config: UNPACED, processRange: () => {} }),
];

it('calls methods of providers of any scope with the events of their decorators', async () => {
  const received: [string, string, string][] = [];
  const record = (who: string, { type, backfill }: BackfillEvent) => received.push([who, type, backfill]);
  @Injectable()
  class Single {
    @OnBackfill('completed', 'one')
    one(event: BackfillEvent) {
      record('one', event);
    }

    @OnBackfill(['started', 'completed'])
    any(event: BackfillEvent) {
      record('any', event);
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    @OnBackfill('completed')
    scoped(event: BackfillEvent) {
      record('scoped', event);
    }
  }
  const app = await bench.start({ handlers: [...handlers(), Single, Scoped] });
  await app.backfills.start('one');
  await app.finished('one');
  await app.backfills.start('two');
  await app.finished('two');
  await eventually(
    'all events',
    () => received,
    ({ length }) => length >= 7,
  );
  expect(received.map((it) => it.join(' ')).toSorted()).toEqual([
    'any completed one',
    'any completed two',
    'any started one',
    'any started two',
    'one completed one',
    'scoped completed one',
    'scoped completed two',
  ]);
});

it('with once delivers an event to one process, also if it occurred while none had a listener', async () => {
  const received: string[] = [];
  let processes = 0;
  const listener = () => {
    const process = ++processes;
    @Injectable()
    class Listener {
      @OnBackfill('completed', { once: true })
      once({ backfill }: BackfillEvent) {
        received.push(`once ${backfill}`);
      }

      @OnBackfill('completed')
      each({ backfill }: BackfillEvent) {
        received.push(`${process} ${backfill}`);
      }
    }
    return Listener;
  };
  const first = await bench.start({ handlers: [...handlers(), listener()] });
  const second = await bench.start({ handlers: [...handlers(), listener()] });
  await first.backfills.start('one');
  await first.finished('one');
  await eventually(
    'both processes',
    () => received,
    ({ length }) => length >= 3,
  );
  expect(received.toSorted()).toEqual(['1 one', '2 one', 'once one']);

  await Promise.all([first.close(), second.close()]);
  received.length = 0;
  const withoutListener = await bench.start({ handlers: handlers() });
  await withoutListener.backfills.start('two');
  await withoutListener.finished('two');
  expect(received).toEqual([]);
  await bench.start({ handlers: [...handlers(), listener()] });
  await eventually(
    'the missed event',
    () => received,
    ({ length }) => length > 0,
  );
  expect(received).toEqual(['once two']);
});

it('delivers an event again when the process of its listener is killed', async () => {
  const options = { keyPrefix: bench.keyPrefix(), lockDuration: 4_000 };
  const { database, redis } = bench;
  const killed = new RemoteProcess({
    module: new URL('./listener-process.ts', import.meta.url),
    execArgv: ['--import', new URL('../../support/swc/register.js', import.meta.url).href],
    env: {
      SETTINGS: JSON.stringify({
        database: { url: database.url },
        redis: { connection: redis.connection },
        options: { ...options, workers: false },
      }),
    },
  });
  const received: string[] = [];
  @Injectable()
  class Listener {
    @OnBackfill('completed', { once: true })
    onCompleted({ backfill }: BackfillEvent) {
      received.push(backfill);
    }
  }
  try {
    await killed.ready;
    const working = await bench.start({ handlers: handlers(), options });
    await working.backfills.start('one');
    await eventually(
      'the process to receive it',
      () => killed.logs,
      (logs) => logs.includes('received one'),
    );
    const other = await bench.start({ handlers: [...handlers(), Listener], options });
    await other.backfills.start('two');
    await eventually(
      'the next event',
      () => received,
      ({ length }) => length > 0,
    );
    expect(received).toEqual(['two']);
    await killed.kill();
    await eventually(
      'the event of the killed process',
      () => received,
      ({ length }) => length > 1,
    );
    expect(received).toEqual(['two', 'one']);
  } finally {
    killed.signal('SIGKILL');
  }
});

it('logs errors of listeners, and continues', async () => {
  const received: string[] = [];
  @Injectable()
  class Failing {
    @OnBackfill(['started', 'completed'], { once: true })
    listen({ type }: BackfillEvent) {
      received.push(type);
      throw new Error('broken');
    }
  }
  const app = await bench.start({ handlers: [...handlers(), Failing] });
  await app.backfills.start('one');
  expect((await app.finished('one')).state).toBe('completed');
  await eventually(
    'both',
    () => received,
    ({ length }) => length === 2,
  );
  await eventually(
    'the log',
    () => app.logs.having('broken'),
    ({ length }) => length === 2,
  );
  expect(app.logs.having('Failing.listen failed on "started": Error: broken')).toHaveLength(1);
});

it('rejects an unknown type of event', async () => {
  @Injectable()
  class Wrong {
    @OnBackfill('finished' as 'completed')
    listen() {}
  }
  await expect(bench.start({ handlers: [...handlers(), Wrong] })).rejects.toThrow(
    /@OnBackfill of Wrong\.listen must name one or several of started, .*; got "finished"/,
  );
});
