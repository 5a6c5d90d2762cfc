/** Why a benchmark did not work; in short where the build under test lacks what it uses. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lacking = /'nestjs-backfill\S*' does not provide an export named '(\w+)'/.exec(text)?.[1];
  return lacking ? `it uses ${lacking}, which the build does not export` : text;
}
