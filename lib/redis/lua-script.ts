import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { readPackageFile } from '../assets/package-file.js';

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
    const read = (file: string) => readPackageFile(`redis/scripts/${file}.lua`).toString('utf8');
    return new LuaScript<Answer>(`${read('prelude')}\n${read(name)}`, numberOfKeys);
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
