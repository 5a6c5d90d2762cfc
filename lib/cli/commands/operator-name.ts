import { userInfo } from 'node:os';

/** The operator recorded in the history: the value of `--by`, else the OS user. */
export function operatorName(by: string | undefined): string {
  if (by !== undefined) {
    return by;
  }
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid without an entry in /etc/passwd.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
