/** Sums the totals of Jest's `--json` files. A file that did not run counts as one failure. */
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  try {
    const totals = JSON.parse(readFileSync(file, 'utf8'));
    passed += totals.numPassedTests;
    failed += totals.numFailedTests + totals.numRuntimeErrorTestSuites;
    // A file can fail with all of its tests passed: it leaked a connection.
    if (!totals.success && failed === 0) {
      failed += totals.numFailedTestSuites || 1;
    }
  } catch (error) {
    console.error(`Expected Jest's results in ${file}, got: ${error.message}`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
