import { NonRetryableError } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';
import { CommandLine } from './command-line.js';

const bench = await createAppBench();
const NAME = 'weigh';
const HELD = { perSecondOnPeak: 0, perSecondOffPeak: 0, batchSize: 1, attempts: 1 };
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

/** The app with one version of the handler, which fails for the number 3 where it is broken. */
async function deploy(version: string, broken = false): Promise<BackfillApp & { cli: CommandLine }> {
  const handler = defineBackfill({
    name: NAME,
    version,
    onOtherVersion: 'hold',
    source: numbers(5),
    config: HELD,
    processRow: ({ id }: { id: number }) => {
      if (broken && id === 3) throw new NonRetryableError('three is broken');
    },
  });
  const app = await bench.start({ handlers: [handler] });
  return { ...app, cli: new CommandLine(app.app) };
}

it('resume --adopt-version has a held run go on with another version, as the refusal says', async () => {
  const old = await deploy('1');
  await old.backfills.start(NAME);
  await old.backfills.pause(NAME);
  await old.close();
  const { backfills, cli, finished } = await deploy('2 beta');

  const refused = await cli.piped('resume', NAME);
  expect(refused.code).toBe(4);
  expect(refused.err).toMatch(/nestjs-backfill resume weigh --adopt-version '2 beta'/);
  expect(await cli.piped('resume', NAME, '--adopt-version', '')).toMatchObject({ code: 2 });
  const resumed = await cli.piped('resume', NAME, '--adopt-version', '2 beta', '--by', 'ana');
  expect(resumed).toMatchObject({ code: 0, out: expect.stringMatching(/weigh is running, run /) });
  await backfills.configure(NAME, UNPACED);
  expect(await finished(NAME)).toMatchObject({ state: 'completed', version: '2 beta' });
  // Only these two change the version of a run.
  expect((await cli.piped('pause', NAME, '--adopt-version', '3')).code).toBe(2);
});

it('retry --adopt-version retries the failures of a run that has ended with another version', async () => {
  const old = await deploy('1', true);
  await old.backfills.start(NAME, { config: UNPACED });
  expect((await old.finished(NAME)).state).toBe('failed');
  await old.close();
  const { backfills, cli, finished } = await deploy('2');

  const refused = await cli.piped('retry', NAME);
  expect(refused).toMatchObject({ code: 4, err: expect.stringMatching(/retry weigh --adopt-version 2/) });
  expect(await cli.piped('retry', NAME, '--adopt-version', '2')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^1 requeued/),
  });
  expect(await finished(NAME)).toMatchObject({ state: 'completed', version: '2', rowsFailed: 0 });
  const retried = await eventually(
    'the retry in the history',
    () => backfills.history(NAME),
    (history) => history.some(({ type }) => type === 'retried'),
  );
  expect(retried.find(({ type }) => type === 'retried')?.data).toMatchObject({ adoptVersion: '2' });
});
