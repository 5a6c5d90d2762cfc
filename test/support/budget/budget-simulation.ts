import { randomUUID } from 'node:crypto';
import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import type { BackfillBudget } from '../../../lib/config/backfill-budget.js';
import { RunBudget } from '../../../lib/pacing/budget/run.budget.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { simulatedClaims } from '../claims/simulated-claims.js';
import type { TestRedis } from '../databases/index.js';

const CONTEXT = 'default';
const LEASE_MS = 30_000;

/** A run of the simulation. Times are simulated milliseconds since its beginning. */
export interface SimulatedRun {
  readonly weight: number;
  readonly processes: number;
  /** Ranges at once in each process. */
  readonly workers: number;
  /** Default 0. */
  readonly from?: number;
  /** It asks for nothing from then on. Default: never. */
  readonly until?: number;
  /** How long its `n`th range takes. */
  readonly ms: (n: number) => number;
  /** Rows of each of its ranges. Default 1. */
  readonly rows?: number;
  /** How long a worker rests after its `n`th range. Default 0. */
  readonly restMs?: (n: number) => number;
}

/** A range that was started. */
export interface SimulatedStart {
  readonly run: number;
  readonly at: number;
  readonly end: number;
}

interface Simulation {
  readonly runs: readonly SimulatedRun[];
  readonly budget: BackfillBudget;
  readonly length: number;
  /** When a process that is to ask at some time does so. Default: at that time. */
  readonly awake?: (at: number, process: number) => number;
}

interface Member {
  readonly run: number;
  readonly process: number;
  readonly used: RunBudget;
  /** When each worker that asks does so; those that wait for the budget may be woken. */
  asks: { at: number; isWaiting: boolean }[];
}

interface Step {
  readonly at: number;
  readonly act: () => Member | undefined;
}

/**
 * Has runs claim ranges under a budget by the script of the library, in a time of its own: nothing depends on how busy the
 * machine is.
 *
 * @param length simulated milliseconds
 */
export async function simulateBudget(
  redis: TestRedis,
  { runs, budget, length, awake = (at) => at }: Simulation,
): Promise<SimulatedStart[]> {
  const { client } = redis;
  const keys = new BackfillKeys(`${redis.prefix}-${randomUUID()}`);
  const current = { limits: resolveBudget(budget), context: CONTEXT };
  const ids = runs.map((_, i) => `simulated-${String(i).padStart(3, '0')}`);
  for (const [i, id] of ids.entries()) {
    await client.hset(keys.run(id), { id, name: id, status: 'running', interval: 0 });
    await client.hset(keys.work(id), { 0: `0|0|0|0|0x1|${runs[i]?.rows ?? 1}|0` });
  }
  const claimAt = await simulatedClaims(redis, keys);
  const claim = async (member: Member, count: number, at: number) => {
    const scope = { runId: ids[member.run] ?? '', context: CONTEXT, table: '' };
    const indexes = Array.from({ length: count }, () => '0 ');
    const waiting = member.asks.filter((ask) => ask.isWaiting).length;
    const args = [250_000, '0|0|0', ...indexes, member.used.claim(waiting)?.text ?? '', 'warn|'];
    const reply = await claimAt(at, scope, args);
    return reply as [string, string | null, ...string[]];
  };

  const started: SimulatedStart[] = [];
  const counts = runs.map(() => 0);
  const steps: Step[] = [];
  const members: Member[] = runs.flatMap(({ processes, workers, weight, from = 0 }, run) =>
    Array.from({ length: processes }, (_, process) => {
      const of = {
        runId: ids[run] ?? '',
        processId: `p${process}`,
        weight,
        table: '',
        leaseMs: LEASE_MS,
      };
      // Processes do not ask at the same instants.
      const at = from + (process + run / runs.length) / 7;
      return {
        run,
        process,
        used: new RunBudget(of, current),
        asks: Array.from({ length: workers }, () => ({ at, isWaiting: false })),
      };
    }),
  );
  const wake = (process: number, runId: string, at: number) => {
    for (const member of members) {
      if (member.process === process && ids[member.run] === runId) {
        member.asks = member.asks.map((ask) => (ask.isWaiting ? { at, isWaiting: false } : ask));
      }
    }
  };
  for (;;) {
    const nextAsk = members
      .flatMap((member) => member.asks.map((ask) => ({ member, at: ask.at })))
      .reduce((a, b) => (b.at < a.at ? b : a), { member: undefined as Member | undefined, at: Infinity });
    const nextStep = steps.reduce((a, b) => (b.at < a.at ? b : a), {
      at: Infinity,
      act: (): Member | undefined => undefined,
    });
    const at = Math.min(nextAsk.at, nextStep.at);
    if (at > length || at === Infinity) {
      break;
    }
    if (nextStep.at <= nextAsk.at) {
      steps.splice(steps.indexOf(nextStep), 1);
      const ended = nextStep.act();
      // The end of a range is reported, with the claim that follows where there is one.
      if (ended && !ended.asks.some((ask) => ask.at <= at)) {
        await claim(ended, 0, at);
      }
      continue;
    }
    const member = nextAsk.member as Member;
    const awakeAt = awake(at, member.process);
    if (awakeAt > at) {
      member.asks = member.asks.map((ask) => (ask.at < awakeAt ? { ...ask, at: awakeAt } : ask));
      continue;
    }
    const spec = runs[member.run] as SimulatedRun;
    const due = member.asks.filter((ask) => ask.at <= at);
    member.asks = member.asks.filter((ask) => ask.at > at);
    if (at >= (spec.until ?? Infinity)) {
      await claim(member, 0, at);
      continue;
    }
    const [status, detail, ...answers] = await claim(member, due.length, at);
    member.used.acquire(answers.length);
    for (const answer of answers) {
      const startAt = at + Number.parseInt(answer, 10) / 1000;
      const n = (counts[member.run] ?? 0) + 1;
      counts[member.run] = n;
      const ms = spec.ms(n);
      started.push({ run: member.run, at: startAt, end: startAt + ms });
      steps.push({
        at: startAt + ms,
        act: () => {
          member.used.release(ms);
          member.asks.push({ at: startAt + ms + (spec.restMs?.(n) ?? 0), isWaiting: false });
          return member;
        },
      });
    }
    const refused = due.length - answers.length;
    const nextRun = status === 'granted' ? (detail ?? '') : ((detail ?? '').split('|')[1] ?? '');
    const pollMs = status === 'granted' ? 0 : Number.parseInt(detail ?? '1000', 10);
    member.asks.push(...Array.from({ length: refused }, () => ({ at: at + pollMs, isWaiting: true })));
    if (nextRun !== '') {
      wake(member.process, nextRun, at + 0.2);
    }
  }
  return started;
}

/** Most starts within any second. */
export function busiestSecond(starts: readonly SimulatedStart[]): number {
  const sorted = starts.map(({ at }) => at).toSorted((a, b) => a - b);
  let from = 0;
  return sorted.reduce((most, at, i) => {
    while (at - (sorted[from] ?? at) >= 1000) {
      from++;
    }
    return Math.max(most, i - from + 1);
  }, 0);
}

/** Most ranges in process at once. */
export function mostAtOnce(starts: readonly SimulatedStart[]): number {
  const changes = starts
    .flatMap(({ at, end }) => [
      { at, by: 1 },
      { at: end, by: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  return changes.reduce((most, { by }) => Math.max(most, (now += by)), 0);
}
