import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { bundleChild } from '../support/processes/child-bundle.js';
import { Random } from './random.js';
import { Arena, type Outcome, type Scenario } from './scenario.js';
import { scenarios } from './scenarios/index.js';

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    seed: { type: 'string' },
    seeds: { type: 'string' },
    parallel: { type: 'string', default: '3' },
    verbose: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    outputFile: { type: 'string' },
  },
});

interface Line {
  readonly scenario: string;
  readonly seed: number;
  readonly outcome?: Outcome;
  readonly error?: string;
  readonly seconds: number;
}

async function play(scenario: Scenario, seed: number): Promise<Line> {
  const from = performance.now();
  const arena = await Arena.open(child.url, new Random(seed), scenario.servers ?? {});
  try {
    const outcome = await scenario.run(arena);
    return { scenario: scenario.name, seed, outcome, seconds: (performance.now() - from) / 1000 };
  } catch (error) {
    const logs = arena.logs().slice(values.verbose ? -400 : -15);
    return {
      scenario: scenario.name,
      seed,
      error: `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n    ${logs.join('\n    ')}`,
      seconds: (performance.now() - from) / 1000,
    };
  } finally {
    await arena.close();
  }
}

function show({ scenario, seed, outcome, error, seconds }: Line): string {
  const cells = [
    scenario.padEnd(62),
    String(seed).padStart(6),
    String(outcome?.faults ?? '').padStart(6),
    String(outcome?.rows ?? '').padStart(7),
    (outcome ? (outcome.atLeastOnce ? 'yes' : 'n/a') : '').padStart(7),
    (outcome ? (outcome.exactlyOnce ? 'yes' : 'n/a') : '').padStart(7),
    `${seconds.toFixed(1)} s`.padStart(8),
    error === undefined ? 'passed' : 'FAILED',
    outcome?.note ?? '',
  ];
  return cells.join('  ') + (error === undefined ? '' : `\n    ${error}`);
}

const chosen = scenarios.filter(
  ({ name }) => values.scenario === undefined || name.includes(values.scenario),
);
if (values.list || chosen.length === 0) {
  console.log(scenarios.map(({ name }) => name).join('\n'));
  process.exit(chosen.length === 0 ? 2 : 0);
}
const work = chosen.flatMap((scenario) => {
  const count = values.seed !== undefined ? 1 : Number(values.seeds ?? scenario.seeds ?? 1);
  const first = Number(values.seed ?? 1);
  return Array.from({ length: scenario.seeds === undefined ? 1 : count }, (_, i) => ({
    scenario,
    seed: first + i,
  }));
});
console.log(`${'scenario'.padEnd(62)}    seed  faults     rows   >=once  counted     time  result`);
const child = await bundleChild(new URL('child.ts', import.meta.url));
process.once('exit', () => child.remove());
const lines: Line[] = [];
let next = 0;
const lane = async () => {
  for (let item = work[next++]; item; item = work[next++]) {
    const line = await play(item.scenario, item.seed);
    lines.push(line);
    console.log(show(line));
  }
};
await Promise.all(Array.from({ length: Number(values.parallel) }, lane));

const failed = lines.filter(({ error }) => error !== undefined);
for (const { scenario, seed } of failed) {
  console.log(
    `again with: npm run test:chaos -- --scenario ${JSON.stringify(scenario)} --seed ${seed} --verbose`,
  );
}
if (values.outputFile) {
  writeFileSync(
    values.outputFile,
    JSON.stringify({
      success: failed.length === 0,
      numPassedTests: lines.length - failed.length,
      testResults: failed.map(({ scenario, seed }) => ({
        name: `test/chaos, seed ${seed}`,
        status: 'failed',
        assertionResults: [{ status: 'failed', fullName: scenario }],
      })),
    }),
  );
}
console.log(`${lines.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);
