import { runQuery } from '../../../lib/sources/run-query.js';

describe('runQuery', () => {
  it('rethrows errors unchanged', async () => {
    const error = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    const context = { em: undefined as never, backfill: 'b', signal: new AbortController().signal };
    await expect(runQuery(context, () => Promise.reject(error))).rejects.toBe(error);
  });

  it('stops waiting when aborted, and handles the late error', async () => {
    const stop = new AbortController();
    let fail: (error: Error) => void = () => {};
    const query = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const running = runQuery({ em: undefined as never, backfill: 'b', signal: stop.signal }, () => query);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    fail(new Error('too late'));
    await expect(query).rejects.toThrow('too late');
  });
});
