/** Whether Redis refused a write because `maxmemory` is reached. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message);
}
