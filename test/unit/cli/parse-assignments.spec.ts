import { parseAssignments, parseBound } from '../../../lib/cli/parse-assignments.js';
import { formatDuration } from '../../../lib/cli/output/time.js';
import { satisfies } from '../../../lib/cli/doctor/versions.check.js';
import { checkRedisInfo } from '../../../lib/cli/doctor/redis.check.js';

describe('parsing of command line arguments', () => {
  it('reads numbers, null and text', () => {
    expect(
      parseAssignments(['batchSize=20', 'perSecondOnPeak=7.5', 'perSecondOffPeak=null', 'maxFailures=5%']),
    ).toEqual({
      batchSize: 20,
      perSecondOnPeak: 7.5,
      perSecondOffPeak: null,
      maxFailures: '5%',
    });
  });

  it.each([[['batchSize']], [['=5']], [['a=1', 'a=2']]])('refuses %j', (words) => {
    expect(() => parseAssignments(words)).toThrow(/Expected/);
  });

  it('does not let a key reach the prototype', () => {
    expect(Object.getPrototypeOf(parseAssignments(['__proto__=1']))).toBe(Object.prototype);
  });

  it.each([
    ['5', 5],
    ['-3', -3],
    ['9007199254740993', '9007199254740993'],
    ['2020-11-11', '2020-11-11'],
    ['{"id":5}', { id: 5 }],
  ])('reads the bound %s', (text, value) => {
    expect(parseBound(text)).toEqual(value);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [59_600, '1 min'],
    [3_600_000, '1 h'],
    [3_661_000, '1 h 1 min'],
    [90_000_000, '1 d 1 h'],
    [86_460_000, '1 d'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('satisfies', () => {
  it.each([
    ['^11.0.0 || ^12.0.0', '12.1.1', true],
    ['^11.0.0 || ^12.0.0', '10.4.0', false],
    ['^5.81.0 || ^6.0.0', '5.58.0', false],
    ['^0.1.12 || ^0.2.0', '0.2.2', true],
    ['^0.1.12 || ^0.2.0', '0.3.0', false],
  ])('%s and %s: %s', (range, version, allowed) => {
    expect(satisfies(range, version)).toBe(allowed);
  });
});

describe('checkRedisInfo', () => {
  it('reports a problem when Redis evicts keys', () => {
    const findings = checkRedisInfo(
      'redis_version:7.2.0\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n',
    );

    expect(findings.map(({ level }) => level)).toEqual(['ok', 'problem']);
  });
});
