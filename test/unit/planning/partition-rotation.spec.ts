import { describe, expect, it } from '@jest/globals';
import { PartitionRotation } from '../../../lib/planning/partition-rotation.js';

function rotation(seq = 0, run: Partial<ConstructorParameters<typeof PartitionRotation>[0]> = {}) {
  const partitions = ['a', 'b', 'c'].map((name) => ({ name, bounds: [1, 9] }));
  return new PartitionRotation({ partitions, partitionsDone: [], cursors: {}, seq, ...run });
}

function plan(partitions: PartitionRotation, pages: number): (string | undefined)[] {
  return Array.from({ length: pages }, (_, page) => {
    const name = partitions.next()?.name;
    partitions.advance(name ?? '', page);
    return name;
  });
}

describe('the rotation of partitions', () => {
  it('gives each partition a page in turn, and continues in the next cycle where it ended', () => {
    expect(plan(rotation(), 5)).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(plan(rotation(5), 3)).toEqual(['c', 'a', 'b']);
  });

  it('skips partitions that are empty or exhausted', () => {
    const partitions = rotation(0, { partitionsDone: ['b'] });
    expect(plan(partitions, 3)).toEqual(['a', 'c', 'a']);
    partitions.markExhausted('c');
    expect(partitions.isExhausted).toBe(false);
    partitions.markExhausted('a');
    expect(partitions.isExhausted).toBe(true);
    expect(partitions.next()).toBeUndefined();
    expect(partitions.exhaustedNames).toEqual(['b', 'c', 'a']);
    expect(rotation(0, { partitions: [{ name: '', bounds: null }] }).isExhausted).toBe(true);
    expect(rotation(0, { partitions: null }).isExhausted).toBe(true);
  });

  it('shows the cursor of one partition as it is, and those of several by name', () => {
    const one = rotation(0, { partitions: [{ name: '', bounds: [1, 9] }], cursors: { '': 4 } });
    expect(one.publicCursor()).toBe(4);
    one.advance('', 5);
    expect(one.publicCursor()).toBe(5);
    expect(rotation(1, { cursors: { b: 2 } }).publicCursor()).toEqual({ a: null, b: 2, c: null });
  });
});
