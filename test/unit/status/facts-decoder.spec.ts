import type { BackfillReply } from '../../../lib/redis/scripts/bindings.js';
import { FactsDecoder } from '../../../lib/status/backfill-facts.js';

const SAMPLES = '[[1000,1,10,0,2,3]]';

function reply(name: string, run: readonly string[], samples = SAMPLES): BackfillReply {
  return [name, 1, '', 'r1', JSON.stringify(run), samples, [], [], [null, null, null], [], []];
}

describe('the decoder of what was read of backfills', () => {
  it('answers the same run and samples while they are as they were', () => {
    const decoder = new FactsDecoder();
    const first = decoder.decode(reply('one', ['id', 'r1', 'done', '1']));
    const again = decoder.decode(reply('one', ['id', 'r1', 'done', '1']));
    expect(again).toEqual(first);
    expect(again.run).toBe(first.run);
    expect(again.samples).toBe(first.samples);
  });

  it('answers what has changed, and leaves what it answered before as it was', () => {
    const decoder = new FactsDecoder();
    const first = decoder.decode(reply('one', ['id', 'r1', 'done', '1']));
    const changed = decoder.decode(reply('one', ['id', 'r1', 'done', '2'], '[]'));
    expect(changed).toMatchObject({ run: { id: 'r1', done: '2' }, samples: [] });
    expect(first).toMatchObject({ run: { id: 'r1', done: '1' }, samples: [{ at: 1000, rowsDone: 10 }] });
    expect(decoder.decode(reply('one', [])).run).toBeNull();
  });

  it('takes no backfill for another', () => {
    const decoder = new FactsDecoder();
    const one = decoder.decode(reply('one', ['id', 'r1']));
    const other = decoder.decode(reply('other', ['id', 'r2']));
    expect([one.run, other.run]).toEqual([{ id: 'r1' }, { id: 'r2' }]);
    expect(decoder.decode(reply('one', ['id', 'r1'])).run).toBe(one.run);
  });
});
