import { describe, expect, it } from '@jest/globals';
import { StartLateness } from '../../../lib/processing/start-lateness.js';

describe('starts that came late', () => {
  it('are told once, by the latest of them, beyond what timers are late by anyway', () => {
    const lateness = new StartLateness();
    [1, 22, 15, 2].forEach((late) => lateness.note(late, 100));
    expect(lateness.tell()).toBe(20);
    expect(lateness.tell()).toBe(0);
  });

  it('are not told where they are always late by the same: they are a rate apart then', () => {
    const lateness = new StartLateness();
    lateness.note(10, 0);
    lateness.tell();
    for (let now = 5; now < 500; now += 5) {
      lateness.note(10, now);
    }
    expect(lateness.tell()).toBeLessThan(0.1);
  });

  it('are told again once the process had time for a while', () => {
    const lateness = new StartLateness();
    lateness.note(20, 0);
    lateness.tell();
    lateness.note(1, 10_000);
    lateness.note(20, 10_001);
    expect(lateness.tell()).toBeCloseTo(18);
  });
});
