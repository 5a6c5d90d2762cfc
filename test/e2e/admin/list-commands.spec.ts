import { createHash } from 'node:crypto';
import { jest } from '@jest/globals';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { REDIS_CLIENT } from '../../../lib/redis/redis-connections.js';
import type { RedisClient } from '../../../lib/redis/redis-connections.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import { startAdminApp } from '../../support/admin/index.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

const handlers = Array.from({ length: 30 }, (_, index) =>
  defineBackfill({ name: `backfill-${index}`, source: numbers(100), processRange: () => {} }),
);

it('a request of the list of many backfills is one command, also where some have a run', async () => {
  const admin = await startAdminApp(bench, { handlers, workers: false });
  try {
    const keys = admin.app.get(BackfillKeys, { strict: false });
    const digestOf = (script: typeof scripts.tick | typeof scripts.overview) =>
      createHash('sha1')
        .update(script.evalArguments(keys, undefined, [])[0])
        .digest('hex');
    for (const name of ['backfill-1', 'backfill-2']) {
      await admin.backfills.start(name);
      await admin.backfills.pause(name);
    }
    await admin.client.get();
    const send = jest.spyOn(admin.app.get<RedisClient>(REDIS_CLIENT, { strict: false }), 'sendCommand');
    const commands = () => send.mock.calls.map(([{ name, args }]) => `${name} ${String(args[0])}`);
    const tick = `evalsha ${digestOf(scripts.tick)}`;
    await eventually('the watchdog', commands, (sent) => sent.includes(tick));
    send.mockClear();
    const { body } = await admin.client.get<unknown[]>();
    expect(body).toHaveLength(handlers.length);
    expect(commands().filter((command) => command !== tick)).toEqual([
      `evalsha ${digestOf(scripts.overview)}`,
    ]);
  } finally {
    await admin.close();
  }
});
