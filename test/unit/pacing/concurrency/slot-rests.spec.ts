import { SlotRests } from '../../../../lib/pacing/concurrency/slot-rests.js';
import { shareSlots } from '../../../../lib/pacing/concurrency/slots.js';
import { noise, random } from './simulation.js';

const config = { concurrency: { min: 2, max: 8 }, rowConcurrency: { min: 1, max: 4 } };

/** Slots work on ranges of about a ms each; answers how many are in use on average, and for which part of the time all are. */
function work(value: number, shape: 'batch' | 'row') {
  const use = shareSlots(value, config, shape);
  const rests = new SlotRests();
  const next = random(1);
  const slots = Array.from({ length: use.ranges }, () => ({
    until: 0,
    startedAt: 0,
    owed: null as number | null,
  }));
  let [now, used, all] = [0, 0, 0];
  const END = 20_000;
  while (now < END) {
    const ends = Math.min(...slots.map(({ until }) => until));
    const working = slots.filter(({ owed }) => owed === null).length;
    used += working * (ends - now);
    all += working === slots.length ? ends - now : 0;
    now = ends;
    for (const slot of slots.filter(({ until }) => until <= now)) {
      const wasResting = slot.owed !== null;
      if (slot.owed !== null) {
        rests.end(slot.owed, now - slot.startedAt, use);
      }
      slot.owed = wasResting || now === 0 ? null : rests.begin(now - slot.startedAt, use);
      slot.startedAt = now;
      // A timer is late by half a millisecond on average.
      slot.until = now + (slot.owed === null ? noise(next, 0.3) : Math.ceil(slot.owed * use.rest) + 0.5);
    }
  }
  return { used: (used * use.rows) / now, all: all / now };
}

describe('SlotRests', () => {
  it.each([0.5, 1, 1.5, 1.9, 2.1, 2.5, 3.9, 4, 7.2])('uses %d slots on average', (value) => {
    expect(work(value, 'batch').used).toBeCloseTo(value, 1);
  });

  it.each([1, 5, 8.5, 31])('uses %d rows on average', (value) => {
    expect(Math.abs(work(value, 'row').used / value - 1)).toBeLessThan(0.03);
  });

  it('has all slots work at once for no longer than the fraction', () => {
    expect(work(2.1, 'batch').all).toBeLessThan(0.12);
    expect(work(3.5, 'batch').all).toBeLessThan(0.55);
  });

  it('rests for nothing that was done before all slots were in use', () => {
    const rests = new SlotRests();
    const use = { ranges: 2, rows: 1, rest: 0.5 };
    expect(rests.begin(100, { ranges: 2, rows: 1, rest: 0 })).toBeNull();
    expect(rests.begin(2, use)).toBe(2);
    expect(rests.begin(3, use)).toBeNull();
    rests.end(2, 1, use);
    expect(rests.begin(4, use)).toBe(7);
  });

  it('counts a rest that was too long, and not the time for which a process was suspended', () => {
    const use = { ranges: 1, rows: 1, rest: 0.5 };
    const rests = new SlotRests();
    expect(rests.begin(1, use)).toBeNull();
    expect(rests.begin(1, use)).toBe(2);
    rests.end(2, 1.5, use);
    expect(rests.begin(2, use)).toBeNull();
    expect(rests.begin(1, use)).toBe(2);
    rests.end(2, 60_000, use);
    expect(rests.begin(21, use)).toBeNull();
    expect(rests.begin(1, use)).toBe(2);
  });
});
