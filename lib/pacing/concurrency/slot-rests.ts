import type { SlotUse } from './slots.js';

/** A shorter rest waits until more has come together: a timer has steps of this length. */
const SHORTEST_MS = 1;
/** A timer that is late by more is not counted. */
const LATE_MS = 10;
const ROUNDING = 1e-6;

/**
 * Which slots rest where fewer are wanted than there are: as few as will do, one after another, each for all. With 1.1 slots,
 * one works all the time and two do for a tenth of it. Two that each rested for half of the time would work at once for a
 * quarter of it, at random, and that is what others feel.
 */
export class SlotRests {
  /** Work that no slot has rested for, in ms; below 0 where the last rest was longer than it had to be. */
  private owedMs = 0;
  private resting = 0;

  /** A slot has worked for so long. Answers for how much work it is to rest now; `null`: for none, or another slot does. */
  begin(workedMs: number, use: SlotUse): number | null {
    if (use.rest === 0) {
      this.owedMs = 0;
      return null;
    }
    this.owedMs += workedMs;
    if (this.owedMs * use.rest < SHORTEST_MS || this.resting >= restingSlots(use)) {
      return null;
    }
    this.resting++;
    const owed = this.owedMs;
    this.owedMs = 0;
    return owed;
  }

  /** A slot that was to rest for so much work has rested for so long. */
  end(workedMs: number, restedMs: number, { rest }: SlotUse): void {
    this.resting--;
    if (rest > 0) {
      // A process that was suspended has not rested in advance.
      const lateMs = Math.min(restedMs - workedMs * rest, LATE_MS);
      this.owedMs -= lateMs / rest;
    }
  }
}

function restingSlots({ ranges, rest }: SlotUse): number {
  return Math.ceil((ranges * rest) / (1 + rest) - ROUNDING);
}
