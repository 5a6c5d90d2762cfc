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

it('calls methods of providers of any scope with the events they ask for', async () => {
  const heard: [string, string, string][] = [];
  const hear = (who: string, { type, backfill }: BackfillEvent) => heard.push([who, type, backfill]);
  @Injectable()
  class Single {
    @OnBackfill('completed', 'one')
    one(event: BackfillEvent) {
      hear('one', event);
    }

    @OnBackfill(['started', 'completed'])
    any(event: BackfillEvent) {
      hear('any', event);
    }
  }
  @Injectable({ scope: Scope.REQUEST })
  class Scoped {
    @OnBackfill('completed')
    scoped(event: BackfillEvent) {
      hear('scoped', event);
    }
  }
  const app = await bench.start({ handlers: [...handlers(), Single, Scoped] });
  await app.backfills.start('one');
  await app.finished('one');
  await app.backfills.start('two');
  await app.finished('two');
  await eventually(
    'all events',
    () => heard,
    ({ length }) => length >= 7,
  );
  expect(heard.map((it) => it.join(' ')).toSorted()).toEqual([
    'any completed one',
    'any completed two',
    'any started one',
    'any started two',
    'one completed one',
    'scoped completed one',
    'scoped completed two',
  ]);
});

it('has exactly one process receive an event where asked, also one that came while none listened', async () => {
  const heard: string[] = [];
  let processes = 0;
  const listener = () => {
    const process = ++processes;
    @Injectable()
    class Listener {
      @OnBackfill('completed', { once: true })
      once({ backfill }: BackfillEvent) {
        heard.push(`once ${backfill}`);
      }

      @OnBackfill('completed')
      each({ backfill }: BackfillEvent) {
        heard.push(`${process} ${backfill}`);
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
    () => heard,
    ({ length }) => length >= 3,
  );
  expect(heard.toSorted()).toEqual(['1 one', '2 one', 'once one']);

  await Promise.all([first.close(), second.close()]);
  heard.length = 0;
  const deaf = await bench.start({ handlers: handlers() });
  await deaf.backfills.start('two');
  await deaf.finished('two');
  expect(heard).toEqual([]);
  await bench.start({ handlers: [...handlers(), listener()] });
  await eventually(
    'what was missed',
    () => heard,
    ({ length }) => length > 0,
  );
  expect(heard).toEqual(['once two']);
});

it('has another process hear what one heard that was killed meanwhile', async () => {
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
  const heard: string[] = [];
  @Injectable()
  class Listener {
    @OnBackfill('completed', { once: true })
    hear({ backfill }: BackfillEvent) {
      heard.push(backfill);
    }
  }
  try {
    await killed.ready;
    const working = await bench.start({ handlers: handlers(), options });
    await working.backfills.start('one');
    await eventually(
      'the process to hear it',
      () => killed.logs,
      (logs) => logs.includes('heard one'),
    );
    const other = await bench.start({ handlers: [...handlers(), Listener], options });
    await other.backfills.start('two');
    await eventually(
      'what happens from now on',
      () => heard,
      ({ length }) => length > 0,
    );
    expect(heard).toEqual(['two']);
    await killed.kill();
    await eventually(
      'what was left behind',
      () => heard,
      ({ length }) => length > 1,
    );
    expect(heard).toEqual(['two', 'one']);
  } finally {
    killed.signal('SIGKILL');
  }
}, 60_000);

it('logs what a listener throws and goes on', async () => {
  const heard: string[] = [];
  @Injectable()
  class Clumsy {
    @OnBackfill(['started', 'completed'], { once: true })
    fall({ type }: BackfillEvent) {
      heard.push(type);
      throw new Error('clumsy');
    }
  }
  const app = await bench.start({ handlers: [...handlers(), Clumsy] });
  await app.backfills.start('one');
  expect((await app.finished('one')).state).toBe('completed');
  await eventually(
    'both',
    () => heard,
    ({ length }) => length === 2,
  );
  await eventually(
    'the log',
    () => app.logs.having('clumsy'),
    ({ length }) => length === 2,
  );
  expect(app.logs.having('Clumsy.fall failed on "started": Error: clumsy')).toHaveLength(1);
});

it('refuses a type of event that there is none of', async () => {
  @Injectable()
  class Wrong {
    @OnBackfill('finished' as 'completed')
    listen() {}
  }
  await expect(bench.start({ handlers: [...handlers(), Wrong] })).rejects.toThrow(
    /@OnBackfill of Wrong\.listen must name one or several of started, .*; got "finished"/,
  );
});
