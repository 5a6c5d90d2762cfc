import { createHash } from 'node:crypto';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import type { TestRedis } from '../databases/index.js';

/** A claim under a budget, or a report of what a process uses of it. Times are epoch ms by the clock of Redis. */
export interface RecordedClaim {
  readonly at: number;
  readonly run: string;
  readonly process: string;
  /** The limits that the process knows; 0: none. */
  readonly limits: Readonly<Record<'concurrency' | 'rangesPerSecond' | 'rowsPerSecond', number>>;
  /** Ranges that it asks for; 0: it only reports. */
  readonly asked: number;
  readonly starts: readonly RecordedStart[];
  /** Ranges that the process has in process for the run from now on. */
  readonly held: number;
  /** Those that all processes have for all runs. */
  readonly total: number;
}

/** A range that was granted, with its start time. */
export interface RecordedStart {
  readonly run: string;
  readonly at: number;
  readonly rows: number;
}

interface Recorded extends Omit<RecordedClaim, 'at' | 'starts'> {
  readonly at: string;
  /** An empty table of Lua is an object. */
  readonly starts: [at: string, rows: number][] | Record<string, never>;
}

/** Times are written as strings: cjson keeps 14 digits. */
const RECORD = `
if budget then
  local starts = {}
  for i = 3, #reply do
    local wait, text = string.match(reply[i], '^(%d+)|(.*)$')
    if wait then
      starts[#starts + 1] = { string.format('%.3f', (now + wait) / 1000), parse_entry(text).rows }
    end
  end
  redis.call('RPUSH', RUN_PREFIX .. 'claims', cjson.encode({
    at = string.format('%.3f', now / 1000), run = budget.run, process = budget.process, asked = #ARGV - 2, starts = starts,
    held = budget.held + budget.granted, total = budget.others + budget.held + budget.granted,
    limits = {
      concurrency = budget.concurrency, rangesPerSecond = budget.rangesPerSecond, rowsPerSecond = budget.rowsPerSecond,
    },
  }))
end
return reply
`;

/** Has this process record in Redis what its claims under a budget are granted. */
export function recordClaims(): void {
  const sourceOf = () => scripts.claim.evalArguments(new BackfillKeys(''), { runId: '' }, [])[0];
  const source = sourceOf();
  const recording = source.replace(/return reply\s*$/, () => RECORD);
  if (recording === source) {
    throw new Error('Expected claim.lua to end with its reply');
  }
  const digest = createHash('sha1').update(recording).digest('hex');
  Object.assign(scripts.claim, { joined: { source: recording, digest } });
  if (sourceOf() !== recording) {
    throw new Error('Expected claims to run the script that records them');
  }
}

/** What all processes that use this prefix have recorded, in the order in which Redis has answered. */
export class ClaimLog {
  private readonly key: string;
  private readonly claims: RecordedClaim[] = [];

  constructor(
    private readonly redis: Pick<TestRedis, 'client'>,
    keyPrefix: string,
  ) {
    this.key = new BackfillKeys(keyPrefix).run('claims');
  }

  /** All claims so far. Only those since the last call are fetched. */
  async read(): Promise<readonly RecordedClaim[]> {
    const texts = await this.redis.client.lrange(this.key, this.claims.length, -1);
    this.claims.push(...texts.map(parseClaim));
    return [...this.claims];
  }
}

function parseClaim(text: string): RecordedClaim {
  const { at, starts, ...claim } = JSON.parse(text) as Recorded;
  return {
    ...claim,
    at: Number(at),
    starts: Array.isArray(starts)
      ? starts.map(([from, rows]) => ({ run: claim.run, at: Number(from), rows }))
      : [],
  };
}
