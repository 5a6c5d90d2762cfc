import { readFile } from 'node:fs/promises';
import { RUN_MEASURES, RUN_STATUS } from '../../../lib/monitoring/run-measures.js';
import { IDLE_STATUS } from '../../../lib/status/idle-status.js';
import type { BackfillStatus } from '../../../lib/status/backfill-status.js';

const reason = 'canary passed: 5 rows handed out, no failures';
const verdict = { passed: true, reason } as NonNullable<NonNullable<BackfillStatus['canary']>['verdict']>;
const canary = { rows: 5, maxFailures: 0, handedOut: 5, state: 'passed', verdict } as const;
const paused = { state: 'paused', pausedBy: 'nestjs-backfill', stateReason: reason } as const;

it.each<[string, Partial<BackfillStatus>, number]>([
  ['by the library', { ...paused, stateReason: 'no range can succeed' }, 1],
  ['by an operator', { ...paused, pausedBy: 'ada' }, 0],
  ['after a canary that has passed', { ...paused, canary }, 0],
  ['after a canary that has failed', { ...paused, canary: { ...canary, state: 'failed' } }, 1],
  ['for another reason, later', { ...paused, stateReason: 'no range can succeed', canary }, 1],
])('a run that is paused %s raises the alert or not', (_, status, raised) => {
  const measure = RUN_MEASURES.find(({ name }) => name === 'backfill.run.paused_by_library');
  expect(measure?.value({ ...IDLE_STATUS, ...status })).toBe(raised);
});

it('the seconds that a run is late are those of its status, 0 of one that is in time', () => {
  const measure = RUN_MEASURES.find(({ name }) => name === 'backfill.run.late');
  const late = { since: '', eta: null, by: 90_000, limitedBy: null };
  expect(measure?.value({ ...IDLE_STATUS, late })).toBe(90);
  expect(measure?.value(IDLE_STATUS as unknown as BackfillStatus)).toBe(0);
});

it('a run that the budget limits is told from one that it does not', () => {
  const measure = RUN_MEASURES.find(({ name }) => name === 'backfill.run.budget_limited');
  const budget = { limit: 'concurrency', share: 0.5, reason: 'the budget: concurrency, share 50 %' };
  expect(measure?.value({ ...IDLE_STATUS, budget })).toBe(1);
  expect(measure?.value(IDLE_STATUS as unknown as BackfillStatus)).toBe(0);
});

it('the guide has each metric of a run, with its unit', async () => {
  const guide = await readFile(new URL('../../../sample/guides/monitoring.md', import.meta.url), 'utf8');
  const documented = [...guide.matchAll(/^\| (`backfill\.run\..*?) \| `(.*?)` \|/gm)].flatMap(
    ([, names = '', unit]) => {
      const [first = '', ...others] = names.split(', ').map((name) => name.replaceAll('`', ''));
      const stem = first.slice(0, first.lastIndexOf('.'));
      return [first, ...others.map((name) => `${stem}${name}`)].map((name) => `${name} ${unit}`);
    },
  );
  const exported = [RUN_STATUS, ...RUN_MEASURES].map(({ name, unit }) => `${name} ${unit}`);
  expect(documented.toSorted()).toEqual(exported.toSorted());
});
