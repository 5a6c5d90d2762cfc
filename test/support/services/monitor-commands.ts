import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Redis gives a monitor its lines once the client has its answer. */
const SETTLE_MS = 50;

export interface MonitoredCommand {
  /** Whether a script called it. */
  readonly isNested: boolean;
  /** In lower case. */
  readonly name: string;
  /** Its first argument: of EVALSHA, the digest of the script. */
  readonly argument: string | undefined;
  /** Those after the first, as they are printed. */
  readonly others: string;
}

/**
 * The commands that the whole server executes while `during` runs; those of a script follow its EVALSHA. The client of
 * ioredis loses track of MONITOR on a busy server.
 */
export async function monitorCommands(
  { host, port }: { readonly host: string; readonly port: number },
  during: () => Promise<unknown>,
): Promise<MonitoredCommand[]> {
  const socket = connect({ host, port });
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write('MONITOR\r\n', () => resolve());
  });
  while (!text.startsWith('+OK')) {
    await sleep(1);
  }
  try {
    await during();
    await sleep(SETTLE_MS);
  } finally {
    socket.destroy();
  }
  return text
    .split('\r\n')
    .map((line) => /^\+[\d.]+ \[\d+ (\S+)\] "([^"]*)"(?: "([^"]*)"(.*))?/.exec(line))
    .filter((found) => found !== null)
    .map(([, source, name = '', argument, others = '']) => ({
      isNested: source === 'lua',
      name: name.toLowerCase(),
      argument,
      others,
    }));
}
