import { describe, expect, it } from '@jest/globals';
import { RowSemaphore } from '../../../../lib/processing/rows/row.semaphore.js';
import type { RangePermits } from '../../../../lib/processing/rows/row.semaphore.js';

const nobody = () => undefined;

/** Has lanes enter; answers a look at which of them are inside. */
function entering(...lanes: readonly RangePermits[]): () => Promise<boolean[]> {
  const inside = lanes.map(() => false);
  lanes.forEach((lane, i) => void lane.enter().then(() => (inside[i] = true)));
  return () => new Promise((resolve) => setImmediate(() => resolve([...inside])));
}

describe('the places of a process', () => {
  it('let in so many ranges, and the next one once the last rows of another are under way', async () => {
    const places = new RowSemaphore(
      () => 1,
      () => 3,
    );
    const [first, second, third] = [places.lane(), places.lane(), places.lane()];
    const inside = entering(first, second, third);
    expect(await inside()).toEqual([true, false, false]);
    expect([first.tryAcquire(nobody), first.tryAcquire(nobody), first.tryAcquire(nobody)]).toEqual([
      true,
      true,
      true,
    ]);
    first.setPending(1);
    expect(await inside()).toEqual([true, false, false]);
    first.setPending(0);
    expect(await inside()).toEqual([true, true, false]);
    expect(second.tryAcquire(nobody)).toBe(false);
    first.release();
    expect([second.tryAcquire(nobody), second.tryAcquire(nobody)]).toEqual([true, false]);
  });

  it('call the one that was refused once there is one', async () => {
    const places = new RowSemaphore(
      () => 2,
      () => 1,
    );
    const lanes = [places.lane(), places.lane(), places.lane()] as const;
    const inside = entering(...lanes);
    expect([lanes[0].tryAcquire(nobody), lanes[1].tryAcquire(nobody)]).toEqual([true, true]);
    lanes[0].setPending(0);
    expect(await inside()).toEqual([true, true, true]);
    let called = 0;
    expect(lanes[2].tryAcquire(() => called++)).toBe(false);
    lanes[0].leave();
    expect(called).toBe(1);
    lanes[1].leave();
    expect(called).toBe(1);
  });

  it('are more once the config says so', async () => {
    let ranges = 1;
    const places = new RowSemaphore(
      () => ranges,
      () => 1,
    );
    const [first, second] = [places.lane(), places.lane()];
    const inside = entering(first, second);
    expect(await inside()).toEqual([true, false]);
    ranges = 2;
    places.resize();
    expect(await inside()).toEqual([true, true]);
    expect([first.tryAcquire(nobody), second.tryAcquire(nobody), second.tryAcquire(nobody)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('let everybody in at the end', async () => {
    const places = new RowSemaphore(
      () => 1,
      () => 1,
    );
    const inside = entering(places.lane(), places.lane(), places.lane());
    places.close();
    expect(await inside()).toEqual([true, true, true]);
  });

  it('are free again of rows that outlive their range', async () => {
    const places = new RowSemaphore(
      () => 1,
      () => 1,
    );
    const [first, second] = [places.lane(), places.lane()];
    await first.enter();
    first.tryAcquire(nobody);
    first.leave();
    first.release();
    await second.enter();
    expect([second.tryAcquire(nobody), second.tryAcquire(nobody)]).toEqual([true, false]);
  });
});
