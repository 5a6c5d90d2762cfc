import { configValues } from '../../../lib/config/config.store.js';
import { LastConfigs } from '../../../lib/config/last-configs.js';
import { BackfillConfigError } from '../../../lib/errors/backfill-config.error.js';

const DEFAULTS = [{ batchSize: 50, perSecondOnPeak: 2 }];

describe('the configs that are read again and again', () => {
  it('are resolved again only where Redis stores another one', () => {
    const configs = new LastConfigs();
    const first = configs.of('work', { batchSize: '10', _version: '1' }, DEFAULTS);
    expect(first).toEqual(configValues('work', { batchSize: '10' }, DEFAULTS));
    expect(configs.of('work', { batchSize: '10', _version: '1' }, DEFAULTS)).toBe(first);
    const after = (hash: Readonly<Record<string, string>>) => configs.of('work', hash, DEFAULTS);
    expect(after({ batchSize: '11', _version: '2' })).toMatchObject({ batchSize: 11, perSecondOnPeak: 2 });
    expect(after({ batchSize: '11', concurrency: '3' })).toMatchObject({ batchSize: 11, concurrency: 3 });
    expect(after({})).toEqual(configValues('work', {}, DEFAULTS));
  });

  it('are those of their backfill and its defaults', () => {
    const configs = new LastConfigs();
    configs.of('work', {}, DEFAULTS);
    expect(configs.of('other', {}, [{ batchSize: 7 }])).toMatchObject({ batchSize: 7 });
    expect(configs.of('work', {}, [{ batchSize: 8 }])).toMatchObject({ batchSize: 8 });
  });

  it('are refused each time where they are corrupt', () => {
    const configs = new LastConfigs();
    const read = () => configs.of('work', { batchSize: 'many' }, DEFAULTS);
    expect(read).toThrow(BackfillConfigError);
    expect(read).toThrow(BackfillConfigError);
  });
});
