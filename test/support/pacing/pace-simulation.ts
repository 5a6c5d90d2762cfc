import { randomUUID } from 'node:crypto';
import { LateStarts } from '../../../lib/processing/late-starts.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { simulatedClaims } from '../claims/simulated-claims.js';
import type { TestRedis } from '../databases/index.js';

const RUN_ID = 'simulated';
const LONGEST_WAIT_MS = 250;

interface Simulation {
  /** Ranges a second. */
  readonly perSecond: number;
  readonly processes: number;
  /** Ranges at once in each process. */
  readonly workers: number;
  /** Simulated milliseconds. */
  readonly length: number;
  /** When a process that is to do something at some time does so. */
  readonly awake: (at: number, process: number) => number;
}

interface Step {
  readonly at: number;
  readonly act: () => void;
}

/** Workers of a process that claim within one turn of the event loop share a call. */
interface Call {
  readonly at: number;
  readonly process: number;
  workers: number;
}

/**
 * Has processes claim ranges by the script of the library, in a time of its own: nothing depends on how busy the machine is. A
 * range takes no time, and a claim one millisecond there and back.
 *
 * @returns when ranges started, in order
 */
export async function simulatePace(
  redis: TestRedis,
  { perSecond, processes, workers, length, awake }: Simulation,
): Promise<number[]> {
  const { client } = redis;
  const keys = new BackfillKeys(`${redis.prefix}-${randomUUID()}`);
  await client.hset(keys.run(RUN_ID), {
    id: RUN_ID,
    name: RUN_ID,
    status: 'running',
    interval: Math.round(1e6 / perSecond),
  });
  await client.hset(keys.work(RUN_ID), { 0: '0|0|0|0|0x1|1|0' });
  const claimAt = await simulatedClaims(redis, keys);
  const late = Array.from({ length: processes }, () => new LateStarts());
  const starts: number[] = [];
  const steps: Step[] = [];
  const calls: Call[] = [];

  const ask = (at: number, process: number): void => {
    const call = calls.find((one) => one.at === at && one.process === process);
    if (call) {
      call.workers++;
    } else {
      calls.push({ at, process, workers: 1 });
    }
  };
  const start = (due: number, process: number) => {
    const at = awake(due, process);
    steps.push({
      at,
      act: () => {
        late[process]?.record(at - due);
        starts.push(at);
        ask(at, process);
      },
    });
  };
  const claim = async ({ at, process, workers: count }: Call) => {
    const arrivesAt = at + 0.5;
    const { ranges = 0, ms = 0 } = late[process]?.take() ?? {};
    const lateness = `0|${ranges}|${Math.round(ms * 1000)}`;
    const indexes = Array.from({ length: count }, () => '0 ');
    const reply = await claimAt(arrivesAt, { runId: RUN_ID }, [
      LONGEST_WAIT_MS * 1000,
      lateness,
      ...indexes,
      'warn|',
    ]);
    const [, retryMs, ...granted] = reply as [string, number | null, ...string[]];
    const answeredAt = awake(arrivesAt + 0.5, process);
    for (let i = 0; i < count; i++) {
      const answer = granted[i];
      if (answer === undefined) {
        const again = awake(answeredAt + (retryMs ?? 0), process);
        steps.push({ at: again, act: () => ask(again, process) });
      } else {
        start(answeredAt + Number.parseInt(answer, 10) / 1000, process);
      }
    }
  };

  for (let process = 0; process < processes; process++) {
    for (let worker = 0; worker < workers; worker++) {
      ask(process / 7, process);
    }
  }
  for (let now = 0; now < length;) {
    // All that happens at one instant happens before the claims of that instant are sent.
    const step = earliest(steps);
    const call = earliest(calls);
    now = Math.min(step?.at ?? Infinity, call?.at ?? Infinity);
    if (step?.at === now) {
      steps.splice(steps.indexOf(step), 1);
      step.act();
    } else if (call) {
      calls.splice(calls.indexOf(call), 1);
      await claim(call);
    }
  }
  return starts.toSorted((a, b) => a - b);
}

function earliest<Timed extends { readonly at: number }>(timed: readonly Timed[]): Timed | undefined {
  return timed.reduce<Timed | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);
}
