import { createDriverBench, type DriverBench, type TestDriver } from './driver-bench.js';
import { lockSuite } from './lock.suite.js';
import { noRehearsalSuite, rehearsalSuite } from './rehearsal.suite.js';
import { runningSuite } from './running.suite.js';
import { bigintsSuite, sourcesSuite } from './sources.suite.js';
import { deadlockSuite, transactionsSuite } from './transactions.suite.js';

/** The tests that every driver passes; returns the bench for driver-specific tests. */
export function driverSuite(driver: TestDriver): DriverBench {
  const bench = createDriverBench(driver);
  describe(`sources on ${driver.name}`, () => sourcesSuite(bench));
  describe(`runs on ${driver.name}`, () => runningSuite(bench));
  if (driver.keyField !== '_id') {
    describe(`bigints on ${driver.name}`, () => bigintsSuite(bench));
  }
  if (driver.transactions) {
    describe(`transactions on ${driver.name}`, () => transactionsSuite(bench));
    describe(`the guard lock on ${driver.name}`, () => lockSuite(bench));
  }
  if (driver.keyField === '_id') {
    describe(`rehearsals on ${driver.name}`, () => noRehearsalSuite(bench));
  } else {
    describe(`rehearsals on ${driver.name}`, () => rehearsalSuite(bench));
  }
  if (driver.locksRows) {
    describe(`locks on ${driver.name}`, () => deadlockSuite(bench));
  }
  return bench;
}
