import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { decodeReport } from './work-report.js';
import type { WorkReport } from './work-report.js';

/** The report of a process that died is removed after this. */
const EXPIRY_MS = 3_600_000;
/** Redis tells the ages of connections in seconds. */
const AGE_ERROR_MS = 2_000;

/** Stores what each process says of its work on a run. */
@Injectable()
export class WorkReportStore {
  /** Of the connection that is open. */
  private connectionId: Promise<number | null> | null = null;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {
    client.on('close', () => {
      this.connectionId = null;
    });
  }

  /**
   * Id of the connection of this process, which changes when it connects again; `null` where Redis does not tell, or is a cluster,
   * each node of which has ids of its own.
   */
  async connection(): Promise<number | null> {
    this.connectionId ??= this.client.isCluster ? null : this.askConnection();
    return this.connectionId;
  }

  async write(runId: string, report: WorkReport): Promise<void> {
    const key = this.keys.workReports(runId);
    await Promise.all([
      this.client.hset(key, this.processId, JSON.stringify(report)),
      this.client.pexpire(key, EXPIRY_MS),
    ]);
  }

  /** Removes the reports of processes that died long ago: while others report, the reports of the run do not expire. */
  async removeExpired(runId: string, now: number): Promise<void> {
    const expired = [...(await this.read(runId))].filter(([, { at }]) => now - at > EXPIRY_MS);
    if (expired.length > 0) {
      await this.client.hdel(this.keys.workReports(runId), ...expired.map(([id]) => id));
    }
  }

  /** This process no longer works on the run. */
  async remove(runId: string): Promise<void> {
    await this.client.hdel(this.keys.workReports(runId), this.processId);
  }

  /** The last report of each process, by its id. */
  async read(runId: string): Promise<ReadonlyMap<string, WorkReport>> {
    const reports = Object.entries(await this.client.hgetall(this.keys.workReports(runId)));
    return new Map(
      reports
        .map(([id, text]) => [id, decodeReport(text)] as const)
        .filter((entry): entry is readonly [string, WorkReport] => entry[1] !== null),
    );
  }

  /**
   * Whether a connection is open that was so many ms ago; `false` also where Redis does not tell. A later one may have its id, as
   * these begin anew where Redis does.
   */
  async isConnected(connection: number, agoMs: number): Promise<boolean> {
    try {
      const [, age] = / age=(\d+)/.exec(String(await this.client.client('LIST', 'ID', connection))) ?? [];
      return age !== undefined && 1000 * Number(age) + AGE_ERROR_MS >= agoMs;
    } catch {
      return false;
    }
  }

  private async askConnection(): Promise<number | null> {
    try {
      return await this.client.client('ID');
    } catch {
      this.connectionId = null;
      return null;
    }
  }
}
