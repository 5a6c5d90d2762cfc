import { scripts } from '../../../lib/redis/scripts/bindings.js';
import type { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import type { TestRedis } from '../databases/index.js';

const EPOCH_MS = 1_800_000_000_000;

type EvalArguments = Parameters<typeof scripts.claim.evalArguments>;

/** Claims ranges at a number of simulated milliseconds since the beginning. */
export type SimulatedClaim = (
  at: number,
  scope: EvalArguments[1],
  args: EvalArguments[2],
) => Promise<unknown>;

/** The script of the library that claims ranges, in a time of its own: nothing depends on how busy the machine is. */
export async function simulatedClaims(
  { client }: Pick<TestRedis, 'client'>,
  keys: BackfillKeys,
): Promise<SimulatedClaim> {
  const clock = `${keys.run('')}clock`;
  const [source] = scripts.claim.evalArguments(keys, { runId: '' }, []);
  const sha = (await client.script(
    'LOAD',
    source.replace(`redis.call('TIME')`, `redis.call('HMGET', RUN_PREFIX .. 'clock', 's', 'us')`),
  )) as string;
  return async (at, scope, args) => {
    const epochUs = Math.round((EPOCH_MS + at) * 1000);
    const [, ...parameters] = scripts.claim.evalArguments(keys, scope, args);
    const [, claimed] =
      (await client
        .pipeline()
        .hset(clock, { s: Math.floor(epochUs / 1e6), us: epochUs % 1e6 })
        .evalsha(sha, ...parameters)
        .exec()) ?? [];
    const [error, reply] = claimed ?? [];
    if (error) {
      throw error;
    }
    return reply;
  };
}
