import { alarmsSuite } from './alarms.suite.js';
import { canarySuite } from './canary.suite.js';
import { databaseSuite } from './database.suite.js';
import { deploySuite } from './deploy.suite.js';
import { failuresSuite } from './failures.suite.js';
import { holdSuite } from './hold.suite.js';
import { killSuite } from './kill.suite.js';
import { ledgerSuite } from './ledger.suite.js';
import { pacingSuite } from './pacing.suite.js';
import { pauseSuite } from './pause.suite.js';
import { releases } from './releases.js';
import { undoSuite } from './undo.suite.js';
import { UpgradeBench } from './upgrade-bench.js';
import { verifySuite } from './verify.suite.js';

/** Runs that one version began, and another finishes, on the same Redis and database. */
describe.each(await releases())('%s and this version', (tarball) => {
  const bench = new UpgradeBench(tarball);
  describe('a pause', () => pauseSuite(bench));
  describe('a hold of all runs', () => holdSuite(bench));
  describe('alarms', () => alarmsSuite(bench));
  describe('failures', () => failuresSuite(bench));
  describe('pacing', () => pacingSuite(bench));
  describe('the ledger', () => ledgerSuite(bench));
  describe('a verification', () => verifySuite(bench));
  describe('a canary', () => canarySuite(bench));
  describe('an undo', () => undoSuite(bench));
  describe('runs in another database', () => databaseSuite(bench));
  // Last, as these end the process that the others share.
  describe('a rolling deploy', () => deploySuite(bench));
  describe('a kill', () => killSuite(bench));
});
