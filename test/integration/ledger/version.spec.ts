import { createLedgerBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createLedgerBench();
const NAME = 'walk';
const SLOW = { perSecondOnPeak: 10, perSecondOffPeak: 10, batchSize: 1 };
const FAST = { perSecondOnPeak: null, perSecondOffPeak: null };

/** A version of the handler, and how many ranges it was given. */
function versioned(version: string, count = 60) {
  const seen: string[] = [];
  const handler = defineBackfill({
    name: NAME,
    version,
    onOtherVersion: 'hold',
    source: numbers(count),
    config: { ...SLOW },
    processRange: () => void seen.push(version),
  });
  return { handler, seen };
}

it('a run that is restored keeps its version and its policy', async () => {
  const [own, other] = [versioned('1'), versioned('2')];
  const first = await bench.start({ handlers: [own.handler] });
  const second = await bench.start({ handlers: [other.handler] });
  await first.backfills.start(NAME);
  await eventually(
    'the run to be under way',
    () => own.seen.length,
    (count) => count > 2,
  );
  await bench.loseRedis();
  await eventually(
    'the run to be back',
    () => second.backfills.status(NAME),
    ({ state, version }) => state === 'running' && version === '1',
  );
  await first.backfills.configure(NAME, FAST);
  expect(await first.finished(NAME)).toMatchObject({ state: 'completed', version: '1', rowsDone: 60 });
  expect(other.seen).toEqual([]);
});

it('a run that is restored keeps the version that it has adopted', async () => {
  const [own, other] = [versioned('1'), versioned('2')];
  const first = await bench.start({ handlers: [own.handler] });
  const second = await bench.start({ handlers: [other.handler] });
  await first.backfills.start(NAME);
  await eventually(
    'the run to be under way',
    () => own.seen.length,
    (count) => count > 2,
  );
  await first.backfills.pause(NAME);
  await eventually(
    'the processes to stop',
    () => first.backfills.status(NAME),
    ({ workers }) => workers === 0,
  );
  await second.backfills.resume(NAME, { adoptVersion: '2', by: 'ada' });
  const atAdoption = own.seen.length;
  await bench.loseRedis();
  await eventually(
    'the run to be back',
    () => second.backfills.status(NAME),
    ({ state, version }) => state === 'running' && version === '2',
  );
  await second.backfills.configure(NAME, FAST);
  expect(await second.finished(NAME)).toMatchObject({ state: 'completed', version: '2', rowsDone: 60 });
  expect(own.seen).toHaveLength(atAdoption);
  const [run] = await second.backfills.runs(NAME, 1);
  expect(run?.version).toBe('2');
  const adopted = (await second.backfills.history(NAME)).find(({ data }) => 'adoptVersion' in data);
  expect(adopted?.data).toMatchObject({ by: 'ada', adoptVersion: '2', version: '1' });
});
