/** Reads a URL that Jest's global setup leaves in the environment. */
export function serviceUrl(name: 'DATABASE_URL' | 'REDIS_URL'): URL {
  const url = process.env[name];
  if (!url) {
    throw new Error(
      `Expected ${name}, got none. Tests that need servers stand in test/integration or test/e2e.`,
    );
  }
  return new URL(url);
}
