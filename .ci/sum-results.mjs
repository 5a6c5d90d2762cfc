/** Lists what failed in Jest's `--json` files and sums their totals. A file that did not run counts as one failure. */
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;

function fail(name, message = '') {
  const lines = message
    .split('\n')
    .slice(0, 12)
    .map((line) => `\n  ${line}`);
  console.log(`failed: ${name}${message && lines.join('')}`);
  failed += 1;
}

for (const file of process.argv.slice(2)) {
  try {
    const totals = JSON.parse(readFileSync(file, 'utf8'));
    passed += totals.numPassedTests;
    const before = failed;
    for (const { name, status, message, assertionResults } of totals.testResults ?? []) {
      const suite = `test/${name.split(/(?:^|\/)test\//).at(-1)}`;
      const tests = assertionResults.filter((test) => test.status === 'failed');
      tests.forEach((test) => fail(`${suite} > ${test.fullName}`, test.failureMessages?.join('\n')));
      // A file can fail with all of its tests passed: it leaked a connection.
      if (status === 'failed' && tests.length === 0) {
        fail(suite, message);
      }
    }
    if (!totals.success && failed === before) {
      fail(file);
    }
  } catch (error) {
    fail(`${file}: expected Jest's results, got: ${error.message}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
