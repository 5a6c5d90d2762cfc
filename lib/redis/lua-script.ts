import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

/** A connection that the library made and closes itself. */
export type RedisClient = Redis | Cluster;

/** One script of `redis/scripts`, sent whole once and by its digest from then on. */
export class LuaScript<Answer> {
  private readonly digest: string;

  private constructor(
    private readonly source: string,
    private readonly numberOfKeys: number,
  ) {
    this.digest = createHash('sha1').update(source).digest('hex');
  }

  static load<Answer>(name: string, numberOfKeys: number): LuaScript<Answer> {
    return new LuaScript<Answer>(`${readScript('prelude')}\n${readScript(name)}`, numberOfKeys);
  }

  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Answer> {
    if (keys.length !== this.numberOfKeys) {
      throw new RangeError(`Expected ${this.numberOfKeys} keys, got ${keys.length}`);
    }
    try {
      return (await client.evalsha(this.digest, keys.length, ...keys, ...args)) as Answer;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) {
        throw error;
      }
      return (await client.eval(this.source, keys.length, ...keys, ...args)) as Answer;
    }
  }
}

function readScript(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
