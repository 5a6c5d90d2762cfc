import type { MikroORM } from '@mikro-orm/core';
import type { Command } from 'commander';
import { EntityManagers } from '../../database/entity-managers.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import type { CliSession } from '../cli-session.js';
import { checkBackfills } from '../doctor/backfills.check.js';
import type { Finding } from '../doctor/finding.js';
import { checkRedis } from '../doctor/redis.check.js';
import { checkVersions } from '../doctor/versions.check.js';
import { EXIT_CODES } from '../exit-code.js';
import type { Style } from '../output/style.js';

const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red' } as const;
const MARKS = { ok: '✓', warning: '!', problem: '✗' } as const;

export function addDoctorCommand(program: Command, session: CliSession): void {
  program
    .command('doctor')
    .description(
      'look for what would make backfills fail or slow: packages, imports, Redis, tables and indexes',
    )
    .action(async () => {
      const findings = [...checkVersions(process.cwd()), ...(await checkApp(session))];
      session.printer.answer(findings, findingLines);
      if (findings.some(({ level }) => level === 'problem')) {
        session.exitWith(EXIT_CODES.unhealthy);
      }
    });
}

async function checkApp(session: CliSession): Promise<Finding[]> {
  let app;
  try {
    app = await session.app();
  } catch (error) {
    return [{ subject: 'app', level: 'problem', message: messageOf(error) }];
  }
  const findings: Finding[] = [
    { subject: 'app', level: 'ok', message: 'boots, with all the imports it needs' },
  ];
  const { orm } = app.get(EntityManagers, { strict: false });
  const database = await checkDatabase(orm);
  findings.push(database);
  const redis = await checkRedis(app.get(RedisConnections, { strict: false }).client);
  findings.push(...redis);
  if (database.level === 'ok' && redis.every(({ level }) => level !== 'problem')) {
    findings.push(...(await checkBackfills(await session.service())));
  }
  return findings;
}

async function checkDatabase(orm: MikroORM): Promise<Finding> {
  const subject = 'database';
  try {
    // MikroORM 7 connects when it is first used; 6 has, and would leave the pool that it has behind.
    if (!(await orm.isConnected())) {
      await orm.connect();
    }
    const answer = await orm.checkConnection();
    return answer.ok
      ? { subject, level: 'ok', message: 'answers' }
      : { subject, level: 'problem', message: `does not answer: ${answer.reason}` };
  } catch (error) {
    return { subject, level: 'problem', message: `does not answer: ${messageOf(error)}` };
  }
}

function findingLines(findings: readonly Finding[], style: Style): string {
  return findings
    .map(
      ({ subject, level, message }) =>
        `${style(COLOURS[level], MARKS[level])} ${style('bold', subject)}: ${message}`,
    )
    .join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
