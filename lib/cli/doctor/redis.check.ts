import type { RedisClient } from '../../redis/lua-script.js';
import type { Finding } from './finding.js';

const OLDEST: readonly [number, number] = [6, 2];

/** Whether Redis answers, keeps what it is given, and is recent enough for BullMQ. */
export async function checkRedis(client: RedisClient, timeoutMs = 5000): Promise<Finding[]> {
  const subject = 'redis';
  let info: string;
  try {
    info = await answerWithin(
      timeoutMs,
      Promise.all([client.info('server'), client.info('memory')]).then((it) => it.join('\n')),
    );
  } catch (error) {
    const message = `does not answer: ${error instanceof Error ? error.message : String(error)}`;
    return [{ subject, level: 'problem', message }];
  }
  return readRedisInfo(info);
}

/** Reads what the command INFO answers. */
export function readRedisInfo(info: string): Finding[] {
  const subject = 'redis';
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const version = field('valkey_version') ?? field('redis_version');
  const policy = field('maxmemory_policy');
  const limit = Number(field('maxmemory') ?? 0);
  const [major = 0, minor = 0] = (field('redis_version') ?? '').split('.').map(Number);
  const recent = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  const findings: Finding[] = [
    {
      subject,
      level: recent ? 'ok' : 'warning',
      message: recent
        ? `version ${version} answers`
        : `version ${version ?? 'unknown'} answers; BullMQ asks for ${OLDEST.join('.')} or later`,
    },
  ];
  if (policy !== null && policy !== 'noeviction') {
    findings.push({
      subject,
      level: limit > 0 ? 'problem' : 'warning',
      message:
        `maxmemory-policy is ${policy}: when memory runs out, Redis throws away keys, and with them ranges. ` +
        'Set it to noeviction.',
    });
  } else if (policy !== null) {
    findings.push({ subject, level: 'ok', message: `maxmemory-policy is ${policy}` });
  }
  return findings;
}

async function answerWithin<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
