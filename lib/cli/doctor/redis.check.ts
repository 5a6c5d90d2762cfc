import { withTimeout } from '../../async/timeout.js';
import type { RedisClient } from '../../redis/redis-connections.js';
import type { Finding } from './finding.js';

/** Oldest version that BullMQ supports without a warning. */
const MINIMUM_VERSION: readonly [number, number] = [6, 2];

/** Checks that Redis responds, that it does not evict keys, and that BullMQ supports its version. */
export async function checkRedis(client: RedisClient, timeoutMs: number): Promise<Finding[]> {
  const subject = 'redis';
  try {
    const sections = await withTimeout(
      Promise.all([client.info('server'), client.info('memory')]),
      timeoutMs,
      () => new Error(`no reply within ${timeoutMs} ms`),
    );
    return checkRedisInfo(sections.join('\n'));
  } catch (error) {
    const message = `unreachable: ${error instanceof Error ? error.message : String(error)}`;
    return [{ subject, level: 'problem', message }];
  }
}

/** Checks the reply of the command INFO. */
export function checkRedisInfo(info: string): Finding[] {
  const subject = 'redis';
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const version = field('valkey_version') ?? field('redis_version');
  const policy = field('maxmemory_policy');
  const limit = Number(field('maxmemory') ?? 0);
  const [major = 0, minor = 0] = (field('redis_version') ?? '').split('.').map(Number);
  const [minMajor, minMinor] = MINIMUM_VERSION;
  const supported = major > minMajor || (major === minMajor && minor >= minMinor);
  const findings: Finding[] = [
    {
      subject,
      level: supported ? 'ok' : 'warning',
      message: supported
        ? `version ${version}`
        : `version ${version ?? 'unknown'}; BullMQ requires ${MINIMUM_VERSION.join('.')} or later`,
    },
  ];
  if (policy !== null && policy !== 'noeviction') {
    findings.push({
      subject,
      level: limit > 0 ? 'problem' : 'warning',
      message:
        `maxmemory-policy is ${policy}: when memory runs out, Redis evicts keys, and ranges are lost. ` +
        'Set it to noeviction.',
    });
  } else if (policy !== null) {
    findings.push({ subject, level: 'ok', message: `maxmemory-policy is ${policy}` });
  }
  return findings;
}
