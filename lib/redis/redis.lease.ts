import type { RedisClient } from './redis-connections.js';

/** A lease that one process holds. It only saves work: two holders for a moment have to do no harm. */
export class RedisLease {
  /** @param expiryMs when the holder dies, another process can acquire the lease after this */
  constructor(
    private readonly client: RedisClient,
    private readonly key: string,
    private readonly processId: string,
    private readonly expiryMs: number,
  ) {}

  /** Acquires or renews the lease; returns whether this process holds it. */
  async acquire(): Promise<boolean> {
    if (await this.renew()) {
      return true;
    }
    return (await this.client.set(this.key, this.processId, 'PX', this.expiryMs, 'NX')) === 'OK';
  }

  /** Renews the lease where this process holds it; returns whether it does. */
  async renew(): Promise<boolean> {
    const isHeld = await this.isHeld();
    if (isHeld) {
      await this.client.pexpire(this.key, this.expiryMs);
    }
    return isHeld;
  }

  async release(): Promise<void> {
    if (await this.isHeld()) {
      await this.client.unlink(this.key);
    }
  }

  private async isHeld(): Promise<boolean> {
    return (await this.client.get(this.key)) === this.processId;
  }
}
