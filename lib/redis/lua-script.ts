import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BackfillKeys } from './backfill-keys.js';
import type { RedisClient } from './redis-connections.js';

/** Names the KEYS of a script, in the order of its header. */
export type ScriptKeys<Scope> = (keys: BackfillKeys, scope: Scope) => readonly string[];

type Argument = string | number;

const PRELUDE = readScript('prelude');

/** What Redis gets of a script. */
interface ScriptText {
  readonly source: string;
  /** SHA-1 of the source. */
  readonly digest: string;
}

/**
 * A script of the folder `scripts`, after the prelude that all scripts share. Redis gets its source once, and its
 * SHA-1 from then on (EVALSHA).
 */
export class LuaScript<Scope, Reply> {
  private readonly own: readonly string[];
  private joined: ScriptText | undefined;

  /** @param parts scripts of the folder that define functions for it, in their order */
  constructor(
    name: string,
    private readonly keysOf: ScriptKeys<Scope>,
    parts: readonly string[] = [],
  ) {
    // At once: an update may replace the files while the process runs.
    this.own = [...parts, name].map(readScript);
  }

  /** Made on first use: an app that starts runs few scripts, and all of them together are large. */
  private get text(): ScriptText {
    this.joined ??= join([PRELUDE, ...this.own]);
    return this.joined;
  }

  /** @param args ARGV, as the header of the script describes it */
  async run(
    client: RedisClient,
    keys: BackfillKeys,
    scope: Scope,
    args: readonly Argument[],
  ): Promise<Reply> {
    const [source, ...parameters] = this.evalArguments(keys, scope, args);
    try {
      return (await client.evalsha(this.text.digest, ...parameters)) as Reply;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) {
        throw error;
      }
      return (await client.eval(source, ...parameters)) as Reply;
    }
  }

  /**
   * The arguments of EVAL: source, number of keys, KEYS with the hold of all runs as the last one, and ARGV with the two key
   * prefixes that the prelude takes.
   */
  evalArguments(
    keys: BackfillKeys,
    scope: Scope,
    args: readonly Argument[],
  ): [source: string, numberOfKeys: number, ...parameters: Argument[]] {
    const scriptKeys = [...this.keysOf(keys, scope), keys.globalHold];
    return [this.text.source, scriptKeys.length, ...scriptKeys, ...args, keys.run(''), keys.history('')];
  }
}

function join(parts: readonly string[]): ScriptText {
  const source = parts.join('\n');
  return { source, digest: createHash('sha1').update(source).digest('hex') };
}

function readScript(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
}
