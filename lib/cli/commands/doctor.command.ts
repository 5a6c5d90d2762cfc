import type { MikroORM } from '@mikro-orm/core';
import type { INestApplicationContext } from '@nestjs/common';
import type { Command } from 'commander';
import { withTimeout } from '../../async/timeout.js';
import { EntityManagers } from '../../database/entity-managers.js';
import { BackfillRegistry } from '../../handlers/backfill.registry.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import type { CliSession } from '../cli-session.js';
import { checkBackfills } from '../doctor/backfills.check.js';
import type { Finding } from '../doctor/finding.js';
import { checkRedis } from '../doctor/redis.check.js';
import { checkPeerVersions } from '../doctor/versions.check.js';
import { EXIT_CODES } from '../exit-code.js';
import type { Style } from '../output/style.js';

const COLORS = { ok: 'green', warning: 'yellow', problem: 'red', skipped: 'yellow' } as const;
const MARKS = { ok: '✓', warning: '!', problem: '✗', skipped: '–' } as const;

export function addDoctorCommand(program: Command, session: CliSession): void {
  program
    .command('doctor')
    .description('check packages, modules, Redis, the database, tables and indexes for problems')
    .action(async () => {
      const findings = [...checkPeerVersions(process.cwd()), ...(await checkApp(session))];
      session.printer.print(findings, findingLines);
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
  // It reports what does not answer, beside all else.
  session.ignoreOutages();
  const findings: Finding[] = [
    { subject: 'app', level: 'ok', message: 'boots, and imports all required modules' },
  ];
  const { timeoutMs } = session;
  const { client } = app.get(RedisConnections, { strict: false });
  const [databases, redis] = await Promise.all([
    Promise.all(databasesOf(app).map(([context, orm]) => checkDatabase(context, orm, timeoutMs))),
    checkRedis(client, timeoutMs),
  ]);
  findings.push(...databases, ...redis);
  if (redis.some(({ message }) => message.startsWith('unreachable'))) {
    findings.push({
      subject: 'backfills',
      level: 'skipped',
      message: 'not checked, because Redis does not answer',
    });
  } else {
    findings.push(...(await checkBackfills(await session.service(), databases[0]?.level === 'ok')));
  }
  return findings;
}

/** The database of the module, and those of backfills in other contexts. */
function databasesOf(app: INestApplicationContext): [context: string | null, orm: MikroORM][] {
  const managers = app.get(EntityManagers, { strict: false });
  const others = new Map<string, MikroORM>();
  for (const backfill of app.get(BackfillRegistry, { strict: false }).all()) {
    if (backfill.contextName !== undefined) {
      others.set(backfill.contextName, managers.ormOf(backfill));
    }
  }
  return [[null, managers.ormOf()], ...others];
}

async function checkDatabase(context: string | null, orm: MikroORM, timeoutMs: number): Promise<Finding> {
  const subject = context === null ? 'database' : `database ${context}`;
  try {
    const connection = await withTimeout(
      connect(orm),
      timeoutMs,
      () => new Error(`no reply within ${timeoutMs} ms`),
    );
    return connection.ok
      ? { subject, level: 'ok', message: 'reachable' }
      : { subject, level: 'problem', message: `unreachable: ${connection.reason}` };
  } catch (error) {
    return { subject, level: 'problem', message: `unreachable: ${messageOf(error)}` };
  }
}

async function connect(orm: MikroORM) {
  // MikroORM 7 connects lazily. MikroORM 6 is connected already, and connecting again would leak its pool.
  if (!(await orm.isConnected())) {
    await orm.connect();
  }
  return orm.checkConnection();
}

function findingLines(findings: readonly Finding[], style: Style): string {
  return findings
    .map(
      ({ subject, level, message }) =>
        `${style(COLORS[level], MARKS[level])} ${style('bold', subject)}: ${message}`,
    )
    .join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
