import { CommandLineProgram } from '../processes/command-line/program.js';
import { startPostgres, type PostgresServer } from '../support/services/postgres.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

let redis: RedisServer;
let postgres: PostgresServer;
let cli: CommandLineProgram;
const NAME = 'weigh-parcels';

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis({ appendonly: true }), startPostgres({ fsync: true })]);
  cli = new CommandLineProgram({ DATABASE_URL: postgres.url, REDIS_URL: redis.url });
});
afterAll(() => Promise.all([redis.stop(), postgres.stop()]));

async function without(
  server: RedisServer | PostgresServer,
  how: 'gone' | 'frozen',
  work: () => Promise<void>,
): Promise<void> {
  await (how === 'gone' ? server.kill() : server.pause());
  try {
    await work();
  } finally {
    await (how === 'gone' ? server.restart() : server.resume());
  }
}

const oneLine = (message: string) => new RegExp(`^error: ${message}[^\\n]*\\n$`);

describe.each(['gone', 'frozen'] as const)('commands without Redis, which is %s', (how) => {
  it('give up with one line', () =>
    without(redis, how, async () => {
      for (const words of [['status'], ['start', NAME], ['pause', NAME], ['status', '--watch']]) {
        const { code, out, err } = await cli.piped(...words, '--timeout', '700');
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toMatch(oneLine('Redis does not answer within 700 ms'));
      }
    }));

  it('but doctor checks the rest, and marks what it cannot check', () =>
    without(redis, how, async () => {
      const { code, out } = await cli.piped('doctor', '--timeout', '700');
      expect(code).toBe(6);
      expect(out).toMatch(/✓ package bullmq/);
      expect(out).toMatch(/✓ database: reachable/);
      expect(out).toMatch(/✗ redis: unreachable: no reply within 700 ms/);
      expect(out).toMatch(/– backfills: not checked, because Redis does not answer/);
    }));
});

describe.each(['gone', 'frozen'] as const)('commands without the database, which is %s', (how) => {
  it('give up with one line where they need it', () =>
    without(postgres, how, async () => {
      for (const words of [
        ['preview', NAME],
        ['start', NAME],
      ]) {
        const { code, out, err } = await cli.piped(...words, '--timeout', '700');
        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toMatch(oneLine('The database (did not answer within 700 ms|cannot be reached: )'));
      }
      expect(await cli.piped('list', '--timeout', '700')).toMatchObject({ code: 0, err: '' });
    }));

  it('but doctor checks the rest, and marks what it cannot check', () =>
    without(postgres, how, async () => {
      const { code, out } = await cli.piped('doctor', '--timeout', '700');
      expect(code).toBe(6);
      expect(out).toMatch(/✓ redis: version/);
      expect(out).toMatch(/✗ database: unreachable: /);
      expect(out).toMatch(/– backfill weigh-parcels: not planned, because the database does not answer/);
    }));
});
