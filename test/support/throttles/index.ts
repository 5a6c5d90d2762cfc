import type { EntityManager } from '@mikro-orm/core';
import type { BackfillThrottle, ThrottleContext, ThrottlePressure } from 'nestjs-backfill';
import { eventually } from '../apps/eventually.js';

/** Measures throttles as the library does, on a database and a Redis of the test. */
export class ThrottleMeter {
  /**
   * @param em gives the entity manager of each measurement; none is there for throttles without a database
   * @param redis for throttles that look at other queues
   */
  constructor(
    private readonly em?: () => EntityManager,
    private readonly redis?: ThrottleContext['redis'],
  ) {}

  async measure(throttle: BackfillThrottle, em = this.em): Promise<ThrottlePressure> {
    const context = { backfill: 'b', runId: 'r', em: em?.(), redis: this.redis };
    return throttle.measure(context as ThrottleContext);
  }

  /** Measures until the pressure is the expected one, and does something before each measurement. */
  until(
    throttle: BackfillThrottle,
    expected: number,
    meanwhile: () => Promise<unknown> = async () => {},
  ): Promise<ThrottlePressure> {
    return eventually(
      `a pressure of ${expected}`,
      async () => {
        await meanwhile();
        return this.measure(throttle);
      },
      ({ pressure }) => pressure === expected,
    );
  }
}
