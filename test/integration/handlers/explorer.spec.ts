import { Inject, Injectable, Module, Scope } from '@nestjs/common';
import { Backfill, idRange, keyset, type IdRange, type RangeHandler } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const source = numbers(30);
const config = { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null };

async function namesOf(app: Awaited<ReturnType<typeof bench.start>>): Promise<string[]> {
  return (await app.backfills.list()).map(({ name }) => name);
}

async function expectRuns(app: Awaited<ReturnType<typeof bench.start>>, name: string): Promise<void> {
  await app.backfills.start(name);
  expect(await app.finished(name)).toMatchObject({ state: 'completed', done: 3 });
}

describe('a handler is found', () => {
  it('by its own name, else by that of its class', async () => {
    @Backfill({ source })
    class ReencryptMessagesBackfill implements RangeHandler {
      processRange() {}
    }
    @Backfill({ source, name: 'v2.fix_things' })
    class Whatever implements RangeHandler {
      processRange() {}
    }
    const app = await bench.start({ handlers: [ReencryptMessagesBackfill, Whatever] });
    expect(await namesOf(app)).toEqual(['reencrypt-messages', 'v2.fix_things']);
  });

  it('in another module, with what it injects', async () => {
    @Injectable()
    class Counter {
      count = 0;
    }
    @Backfill({ source, config })
    class CountThings implements RangeHandler {
      constructor(@Inject(Counter) readonly counter: Counter) {}
      processRange() {
        this.counter.count++;
      }
    }
    @Module({ providers: [Counter, CountThings] })
    class FeatureModule {}
    const app = await bench.start({ imports: [FeatureModule] });
    await expectRuns(app, 'count-things');
    expect(app.app.get(Counter, { strict: false }).count).toBe(3);
  });

  it('under useClass, useFactory and useValue', async () => {
    const handler = (name: string) => defineBackfill({ name, source, config, processRange: () => undefined });
    const Made = handler('made');
    const Valued = handler('valued');
    const app = await bench.start({
      handlers: [
        { provide: 'a token', useClass: handler('classed') },
        { provide: 'another token', useFactory: () => new Made() },
        { provide: 'a third token', useValue: new Valued() },
      ],
    });
    expect(await namesOf(app)).toEqual(['classed', 'made', 'valued']);
    await expectRuns(app, 'classed');
    await expectRuns(app, 'made');
    await expectRuns(app, 'valued');
  });

  it('request-scoped, and made anew for each range', async () => {
    let made = 0;
    const used = new Set<unknown>();
    @Injectable({ scope: Scope.REQUEST })
    class PerRange {
      readonly id = ++made;
    }
    @Backfill({ source, config, scope: Scope.REQUEST })
    class Scoped implements RangeHandler {
      constructor(@Inject(PerRange) readonly own: PerRange) {}
      processRange() {
        used.add(this.own.id);
      }
    }
    @Backfill({ source, config })
    class ByItsDependency implements RangeHandler {
      constructor(@Inject(PerRange) readonly own: PerRange) {}
      processRange() {
        used.add(this.own.id);
      }
    }
    const app = await bench.start({ handlers: [PerRange, Scoped, ByItsDependency] });
    await expectRuns(app, 'scoped');
    expect(used.size).toBe(3);
    await expectRuns(app, 'by-its-dependency');
    expect(used.size).toBe(6);
    expect(made).toBe(6);
  });

  it('once where two modules provide it', async () => {
    const Shared = defineBackfill({ name: 'shared', source, config, processRange: () => undefined });
    @Module({ providers: [Shared] })
    class One {}
    @Module({ providers: [Shared] })
    class Two {}
    const app = await bench.start({ imports: [One, Two] });
    expect(await namesOf(app)).toEqual(['shared']);
    await expectRuns(app, 'shared');
  });

  it('as a subclass with a name of its own, beside its parent', async () => {
    const seen: string[] = [];
    @Backfill({ source, config })
    class Parent implements RangeHandler {
      processRange() {
        seen.push(this.constructor.name);
      }
    }
    @Backfill({ source, config })
    class Child extends Parent {}
    const app = await bench.start({ handlers: [Parent, Child] });
    expect(await namesOf(app)).toEqual(['child', 'parent']);
    await expectRuns(app, 'child');
    expect(seen).toEqual(['Child', 'Child', 'Child']);
  });

  it('as a subclass in the place of its parent, whose decorator it inherits', async () => {
    const seen: string[] = [];
    @Backfill({ name: 'parent', source, config })
    class Parent implements RangeHandler {
      processRange() {
        seen.push(this.constructor.name);
      }
    }
    class Child extends Parent {}
    const app = await bench.start({ handlers: [{ provide: Parent, useClass: Child }] });
    expect(await namesOf(app)).toEqual(['parent']);
    await expectRuns(app, 'parent');
    expect(seen).toEqual(['Child', 'Child', 'Child']);
  });
});

describe('a start is refused, with what to change,', () => {
  const handler = (name: string) => defineBackfill({ name, source, processRange: () => undefined });

  it('for two handlers with one name', async () => {
    @Backfill({ source, name: 'same' })
    class First implements RangeHandler {
      processRange() {}
    }
    @Backfill({ source, name: 'same' })
    class Second implements RangeHandler {
      processRange() {}
    }
    await expect(bench.start({ handlers: [First, Second] })).rejects.toThrow(
      /Two handlers have the name "same": First and Second\. Give one of them another name/,
    );
  });

  it('for none of the three methods', async () => {
    // @ts-expect-error a class without a method does not compile
    @Backfill({ source })
    class Idle {}
    await expect(bench.start({ handlers: [Idle] })).rejects.toThrow(
      /Idle must have exactly one of the methods processRange, processBatch and processRow; it has none of them/,
    );
  });

  it('for several of them', async () => {
    @Backfill({ source })
    class Greedy {
      processRange() {}
      processRow() {}
    }
    await expect(bench.start({ handlers: [Greedy] })).rejects.toThrow(/it has processRange and processRow/);
  });

  it.each(['Upper', '-dash', '', 'with space', 'a:b', 'ä'])('for the name %j', async (name) => {
    await expect(bench.start({ handlers: [handler(name)] })).rejects.toThrow(
      `must match [a-z0-9][a-z0-9._-]*, got ${JSON.stringify(name)}`,
    );
  });

  it('for a bad config value', async () => {
    const bad = defineBackfill({
      name: 'bad',
      source,
      config: { batchSize: 2.5, perSecondOnPeak: -1 },
      processRange: () => undefined,
    });
    await expect(bench.start({ handlers: [bad] })).rejects.toThrow(
      /"bad" is not valid \(given to @Backfill\):\n {2}batchSize: .*got 2\.5\n {2}perSecondOnPeak: .*got -1/,
    );
  });

  it('for an unknown config key', async () => {
    const bad = defineBackfill({
      name: 'bad',
      source,
      config: { batchsize: 5 } as object,
      processRange: () => undefined,
    });
    await expect(bench.start({ handlers: [bad] })).rejects.toThrow(/batchsize: .*batchSize/);
  });

  it('for an entity that MikroORM does not know', async () => {
    class Stranger {
      id!: number;
    }
    const bad = defineBackfill({ name: 'bad', source: idRange(Stranger), processRange: () => undefined });
    await expect(bench.start({ handlers: [bad] })).rejects.toThrow(/"bad".*Stranger/);
  });

  it('for a key that cannot be walked', async () => {
    const text = defineBackfill<IdRange>({
      name: 'text',
      source: idRange(Item, { key: 'state' }),
      processRange: () => undefined,
    });
    await expect(bench.start({ handlers: [text] })).rejects.toThrow(/"text".*Item.*state/);
  });

  it('for an order over what is no property', async () => {
    const order = { orderBy: { sate: 'asc', id: 'asc' } } as unknown as Parameters<typeof keyset<Item>>[1];
    const bad = defineBackfill({ name: 'bad', source: keyset(Item, order), processBatch: () => undefined });
    await expect(bench.start({ handlers: [bad] })).rejects.toThrow(/"bad".*Item.*sate/);
  });

  it('for a source that cannot load rows', async () => {
    const bad = defineBackfill({
      name: 'bad',
      source: { ...numbers(5), load: undefined },
      processBatch: () => undefined,
    });
    await expect(bench.start({ handlers: [bad] })).rejects.toThrow(/source of backfill "bad".*it lacks load/);
  });
});
