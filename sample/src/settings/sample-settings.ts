/** What the sample takes from its environment. */
export interface SampleSettings {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Keeps the keys of this app apart from those of others in the same Redis. */
  readonly keyPrefix: string;
  /** False on a process that only serves HTTP. */
  readonly workers: boolean;
  /** Password of the admin page, for any user name. Without it the page is open to all who reach the port. */
  readonly adminPassword?: string | undefined;
  /** Token of the admin endpoints, for scripts. */
  readonly adminToken?: string | undefined;
}

export const SAMPLE_SETTINGS = Symbol('sample-settings');

export function readSettings(env: NodeJS.ProcessEnv): SampleSettings {
  return {
    databaseUrl: required(env, 'DATABASE_URL', 'postgresql://localhost:5432/sample'),
    redisUrl: required(env, 'REDIS_URL', 'redis://localhost:6379'),
    keyPrefix: env['KEY_PREFIX'] || 'backfill-sample',
    workers: env['WORKERS'] !== 'false',
    adminPassword: env['ADMIN_PASSWORD'],
    adminToken: env['ADMIN_TOKEN'],
  };
}

function required(env: NodeJS.ProcessEnv, name: string, example: string): string {
  const value = env[name];
  if (!value) {
    throw new Error(`Expected the environment variable ${name}, such as ${example}. "npm run demo" sets it.`);
  }
  return value;
}
