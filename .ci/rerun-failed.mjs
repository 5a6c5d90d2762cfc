/**
 * Runs the test files that failed again, one after the other: beside all others, a busy machine may have kept them from
 * what they wait for. A test that fails both times has failed. Lists what failed at first, and replaces the results of these
 * files in Jest's `--json` file.
 *
 *   node .ci/rerun-failed.mjs RESULTS CONFIG
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Where more files fail, it is not for the machine. */
const MOST_FILES = 5;

const [results, config] = process.argv.slice(2);
const first = JSON.parse(readFileSync(results, 'utf8'));
const failed = first.testResults.filter(({ status }) => status === 'failed');
if (failed.length === 0 || failed.length > MOST_FILES) {
  process.exit(1);
}
for (const { name, assertionResults } of failed) {
  const tests = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  console.log(`\nfailed beside others, and runs again: ${name}\n  ${tests.join('\n  ')}`);
}
const output = `${results}.again`;
const paths = failed.map(({ name }) => name);
const { status } = spawnSync(
  'npx',
  [
    'jest',
    '--config',
    config,
    '--runInBand',
    '--json',
    `--outputFile=${output}`,
    '--runTestsByPath',
    ...paths,
  ],
  { stdio: 'inherit', env: { ...process.env, NODE_OPTIONS: '--experimental-vm-modules' } },
);
const again = JSON.parse(readFileSync(output, 'utf8'));
const isPassed = (test) => test.status === 'passed';
const passedAtFirst = failed.flatMap(({ assertionResults }) => assertionResults).filter(isPassed).length;
writeFileSync(
  results,
  JSON.stringify({
    ...first,
    success: again.success,
    numPassedTests: first.numPassedTests - passedAtFirst + again.numPassedTests,
    testResults: [...first.testResults.filter((result) => !failed.includes(result)), ...again.testResults],
  }),
);
process.exitCode = status ?? 1;
