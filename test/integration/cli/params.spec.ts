import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';
import { CommandLine } from './command-line.js';

const bench = await createAppBench();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'params-'));
});
afterAll(() => rm(folder, { recursive: true }));

function walk() {
  return defineBackfill({
    name: 'walk',
    params: z.object({
      count: z.int(),
      keyId: z.string(),
      token: z.string().meta({ secret: true }).optional(),
      deep: z.object({ on: z.boolean() }).optional(),
    }),
    source: ({ params }) => numbers((params as { count: number }).count),
    config: { batchSize: 10, perSecondOnPeak: 0, perSecondOffPeak: 0 },
    processRange: () => {},
  });
}

it('start and preview take parameters, by the types of the schema, and a file with more of them', async () => {
  const { app } = await bench.start({ handlers: [walk()], options: { workers: false } });
  const cli = new CommandLine(app);
  const file = join(folder, 'params.json');
  await writeFile(file, '{"token":"geheim","count":1,"deep":{"on":false}}');

  const preview = await cli.piped('preview', 'walk', '--param', 'count=30', 'keyId=7', '--json');
  expect(JSON.parse(preview.out)).toMatchObject({ total: 3 });
  const wrong = await cli.piped('start', 'walk', '--param', 'count=many', '--param', 'keyId=7');
  expect([wrong.code, wrong.err]).toEqual([
    expect.any(Number),
    expect.stringContaining('params.count: expected number, got "many"'),
  ]);
  expect(wrong.code).not.toBe(0);
  const words = ['--params-file', file, '--param', 'count=40', '--param', 'keyId=7', 'deep={"on":true}'];
  expect(await cli.piped('start', 'walk', ...words)).toMatchObject({ code: 0 });
  const { out } = await cli.piped('status', 'walk');
  expect(out).toContain('parameters {"count":40,"deep":{"on":true},"keyId":"7","token":"***"}');
});

it('rehearse takes parameters, and its source has their rows', async () => {
  await bench.fillItems('SELECT generate_series(1, 20)');
  await bench.database.query(`UPDATE items SET state = 'old' WHERE id > 17`);
  const schema = z.object({ state: z.string() });
  const handler = defineBackfill<never, Item>({
    name: 'by-state',
    params: schema,
    source: ({ params }) =>
      keyset(Item, { orderBy: { id: 'asc' }, where: { state: schema.parse(params).state } }),
    processBatch: (rows, { params }) =>
      rows.forEach((row) => (row.state = `was ${schema.parse(params).state}`)),
  });
  const { app } = await bench.start({ handlers: [handler], options: { workers: false } });
  const cli = new CommandLine(app);
  const { code, out } = await cli.piped('rehearse', 'by-state', '--param', 'state=old', '--json');
  expect(code).toBe(0);
  const { rows } = JSON.parse(out) as { rows: object[] };
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatchObject({ before: { state: 'old' }, after: { state: 'was old' } });
  expect((await cli.piped('rehearse', 'by-state')).err).toContain(
    'params.state: expected string, got undefined',
  );
});

it.each([
  [['--param', 'count'], /Expected key=value such as keyId=k2/],
  [['--param', 'count=1', 'count=2'], /Expected each key once/],
  [['--params-file', '/none.json'], /Expected \/none\.json to hold JSON with parameters: Error: ENOENT/],
])('start with %j says what is wrong', async (words, message) => {
  const { app } = await bench.start({ handlers: [walk()], options: { workers: false } });
  const { code, err } = await new CommandLine(app).piped('start', 'walk', ...words);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

it('a file with parameters that is not valid JSON is not quoted', async () => {
  const { app } = await bench.start({ handlers: [walk()], options: { workers: false } });
  const file = join(folder, 'wrong.json');
  await writeFile(file, '{"token": geheim}');
  const { code, err } = await new CommandLine(app).piped('start', 'walk', '--params-file', file);
  expect([code, err]).toEqual([2, expect.stringContaining('wrong.json to hold JSON with parameters')]);
  expect(err).not.toContain('geheim');
});
