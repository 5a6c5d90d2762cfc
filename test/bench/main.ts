import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BenchArena } from './bench-arena.js';
import type { Benchmark, Finding } from './benchmark.js';
import { benchmarks } from './benchmarks/index.js';
import { stolenShare } from './stolen-share.js';
import { describeFindings } from './table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, smoke: { type: 'boolean', default: false } },
});
const chosen = benchmarks.filter(({ name, apart }) =>
  positionals.length === 0 ? values.smoke || !apart : positionals.includes(name),
);
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(`Expected ${benchmarks.map(({ name }) => name).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}

async function measure(benchmark: Benchmark): Promise<Finding[]> {
  const from = performance.now();
  const stolen = stolenShare();
  const arena = await BenchArena.open(values.smoke, benchmark.settings);
  try {
    const findings = await benchmark.run(arena);
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    console.log(`\n${benchmark.name}, beside ${benchmark.beside} (${seconds} s${stolen()})`);
    console.log(describeFindings(findings));
    return findings;
  } finally {
    await arena.close();
  }
}

const all: Finding[] = [];
let broken = 0;
for (const benchmark of chosen) {
  try {
    all.push(...(await measure(benchmark)));
  } catch (error) {
    broken++;
    console.error(
      `\n${benchmark.name} did not work: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
}
const met = all.filter((finding) => finding.met).length;
console.log(
  values.smoke
    ? `\n${chosen.length - broken} of ${chosen.length} benchmarks work; figures of this size mean nothing`
    : `\n${met} of ${all.length} targets met${broken > 0 ? `, ${broken} benchmarks did not work` : ''}`,
);
process.exit(broken > 0 ? 1 : 0);
