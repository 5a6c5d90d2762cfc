import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeChanges } from './against/changes-table.js';
import { compare } from './against/compare.js';
import { installEarlierBuild } from './against/earlier-build.js';
import type { Benchmark } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { measure } from './measure.js';
import { reasonOf } from './reason.js';
import { describeFindings } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string' },
    json: { type: 'string' },
    rounds: { type: 'string', default: '4' },
    smoke: { type: 'boolean', default: false },
  },
});
const { smoke } = values;
const chosen = benchmarks.filter(({ name, apart }) =>
  positionals.length === 0 ? smoke || !apart : positionals.includes(name),
);
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  refuse(`Expected ${benchmarks.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`);
}
const rounds = smoke ? 1 : Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  refuse(`Expected a number of rounds after --rounds, got ${values.rounds}`);
}

const { results, broken } =
  values.against === undefined ? await measureAll() : await compareAll(values.against);
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
process.exit(broken > 0 ? 1 : 0);

async function measureAll() {
  const { results, broken } = await runEach(async (benchmark) => {
    const { findings, took } = await measure(benchmark, smoke);
    console.log(`\n${benchmark.name}, beside ${benchmark.beside} (${took})`);
    console.log(describeFindings(findings));
    return findings;
  });
  const met = results.filter(({ met }) => met).length;
  conclude(`${met} of ${results.length} targets met`, broken);
  return { results, broken };
}

async function compareAll(against: string) {
  const earlier = await installEarlierBuild(against).catch((error: Error) => refuse(error.message));
  try {
    const { results, broken } = await runEach(async (benchmark) => {
      const changes = await compare(benchmark, earlier, rounds, smoke);
      console.log(describeChanges(earlier.label, changes));
      return changes;
    });
    conclude(`${results.length} figures beside those of ${earlier.label}`, broken);
    return { results, broken };
  } finally {
    await earlier.remove();
  }
}

/** Runs the chosen benchmarks one after the other; one that does not work keeps none from running. */
async function runEach<Result>(run: (benchmark: Benchmark) => Promise<Result[]>) {
  const results: Result[] = [];
  let broken = 0;
  for (const benchmark of chosen) {
    try {
      results.push(...(await run(benchmark)));
    } catch (error) {
      broken++;
      console.error(`\n${benchmark.name} did not work: ${reasonOf(error)}`);
    }
  }
  return { results, broken };
}

function conclude(found: string, broken: number): void {
  console.log(
    smoke
      ? `\n${chosen.length - broken} of ${chosen.length} benchmarks work; figures of this size mean nothing`
      : `\n${found}${broken > 0 ? `, ${broken} benchmarks did not work` : ''}`,
  );
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}
