import { aRun, START } from '../status/a-run.js';

describe('what a run records since when', () => {
  it('counts for the state, the rate and the hold that it was written for', () => {
    const run = aRun({
      resumes: 2,
      stateSince: `running|2|${START + 1}|7`,
      rateSince: `100000|${START + 2}`,
      holdUntil: START + 9,
      holdSince: `${START + 9}|${START + 3}`,
    });
    expect(run).toMatchObject({
      stateSince: START + 1,
      doneBefore: 7,
      rateSince: START + 2,
      holdSince: START + 3,
    });
  });

  it.each([
    ['paused', { status: 'paused' }],
    ['resumed', { resumes: 1 }],
    ['verified', { verification: '{"sweeps":1,"phase":"sweep","round":1,"left":3,"swept":0}' }],
  ])('is not known where a process of an earlier version has had it %s since', (_, fields) => {
    expect(aRun(fields)).toMatchObject({ stateSince: null, doneBefore: 0 });
  });

  it('is not known where a process of an earlier version has changed its rate, or held it', () => {
    expect(aRun({ interval: -1 }).rateSince).toBeNull();
    expect(aRun({ holdUntil: START + 9, holdSince: `${START + 8}|${START}` }).holdSince).toBeNull();
  });

  it('is the end of a run that has ended', () => {
    expect(aRun({ status: 'failed', finishedAt: START + 5 }).stateSince).toBe(START + 5);
  });

  it.each(['', 'running', 'running|0', 'running|0|soon|0', 'running|0|'])(
    'is not known of %p',
    (stateSince) => {
      expect(aRun({ stateSince }).stateSince).toBeNull();
    },
  );

  it('of a corrupt time hides nothing else', () => {
    expect(aRun({ activeAt: 'soon' }).activeAt).toBeNull();
  });
});
