import * as errors from '../../../lib/index.js';

const copyOf = async (module: string, name: string) => {
  const { [name]: type } = (await import(`../../../lib/errors/${module}.js?copy`)) as Record<
    string,
    new (...args: unknown[]) => Error
  >;
  if (!type) {
    throw new Error(`${module} has no ${name}`);
  }
  return type;
};

describe('an error of another copy of the package', () => {
  it.each([
    ['handler.errors', 'RateLimitedError', [10]],
    ['handler.errors', 'NonRetryableError', ['no owner']],
    ['handler.errors', 'RowTimeoutError', [10]],
    ['backfill-not-found.error', 'BackfillNotFoundError', ['a', 'message']],
    ['backfill-conflict.error', 'BackfillConflictError', ['a', 'message']],
  ] as const)('%s: %s is an instance of its class and of the base class, and of no other', async (...of) => {
    const [module, name, args] = of;
    const Copy = await copyOf(module, name);
    const error = new Copy(...args);
    const classes = Object.entries(errors).filter(([key]) => key.endsWith('Error'));
    expect(classes.map(([, type]) => type)).not.toContain(Copy);
    const matches = classes.filter(([, type]) => error instanceof (type as typeof errors.BackfillError));
    expect(matches.map(([key]) => key).toSorted()).toEqual(['BackfillError', name].toSorted());
  });

  it('of a class of the app that extends one is an instance of what it extends, and not the other way round', async () => {
    class Quota extends (await copyOf('handler.errors', 'RateLimitedError')) {}
    class OtherQuota extends errors.RateLimitedError {}
    const quota = new Quota(10);
    expect(quota).toBeInstanceOf(errors.RateLimitedError);
    expect(quota).not.toBeInstanceOf(OtherQuota);
    expect(new errors.RateLimitedError(10)).not.toBeInstanceOf(OtherQuota);
    expect(new errors.NonRetryableError('a')).not.toBeInstanceOf(errors.RateLimitedError);
  });

  it('is told from values that are none', () => {
    const values = [null, undefined, 1, 'text', {}, Object.create(null), { constructor: 1 }, new Error('a')];
    for (const value of [...values, () => {}]) {
      expect(value instanceof (errors.BackfillError as unknown as typeof Error)).toBe(false);
    }
  });
});
