import { Redis } from 'ioredis';
import { endsWithin } from '../../../lib/async/timeout.js';
import { ensureEndEvent } from '../../../lib/redis/ensure-end-event.js';
import { CONDITION_MS } from '../../support/deadlines.js';
import { freePort } from '../../support/services/free-port.js';

const LONG_MS = 60_000;

function next(client: Redis, event: 'reconnecting' | 'end'): Promise<void> {
  return new Promise((resolve) => client.once(event, () => resolve()));
}

/** A connection that waits to reconnect, and a command that waits for it. */
async function reconnecting(prepare: (client: Redis) => Redis) {
  const client = prepare(
    new Redis({
      port: await freePort(),
      lazyConnect: true,
      maxRetriesPerRequest: null,
      // Else a timer of 2 s outlives the connection.
      disconnectTimeout: 1,
      retryStrategy: () => LONG_MS,
    }),
  );
  client.on('error', () => undefined);
  const command = client.ping().catch((error: Error) => error.message);
  await next(client, 'reconnecting');
  return { client, command, ended: next(client, 'end') };
}

describe('a connection that is disconnected while it waits to reconnect', () => {
  it('emits its end, and its commands fail', async () => {
    const { client, command, ended } = await reconnecting(ensureEndEvent);
    client.disconnect();
    expect(await endsWithin(ended, CONDITION_MS)).toBe(true);
    expect(await command).toBe('Connection is closed.');
  });

  it('emits its end where it is a duplicate, too', async () => {
    const { client, command, ended } = await reconnecting((original) => ensureEndEvent(original).duplicate());
    client.disconnect();
    expect(await endsWithin(ended, CONDITION_MS)).toBe(true);
    await command;
  });

  it('emits no end in ioredis itself: when this fails, remove ensure-end-event.ts', async () => {
    const { client, ended } = await reconnecting((original) => original);
    client.disconnect();
    expect(await endsWithin(ended, 1_000)).toBe(false);
    // Clears the pending command.
    client.connect().catch(() => undefined);
    client.disconnect();
    await ended;
  });
});
