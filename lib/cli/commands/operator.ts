import { userInfo } from 'node:os';

/** Who is to stand in the history: as given, else the user of the shell. */
export function operator(by: string | undefined): string {
  if (by !== undefined) {
    return by;
  }
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
