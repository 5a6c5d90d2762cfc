import { connect } from 'node:net';

export interface MonitoredCommand {
  /** Whether a script called it. */
  readonly isNested: boolean;
  /** In lower case. */
  readonly name: string;
  /** Its first argument: of EVALSHA, the digest of the script. */
  readonly argument: string | undefined;
}

/** The commands that Redis executes in so many ms. The client of ioredis loses track of MONITOR on a busy server. */
export async function monitorCommands(
  { host, port }: { readonly host: string; readonly port: number },
  ms: number,
): Promise<MonitoredCommand[]> {
  const socket = connect({ host, port });
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write('MONITOR\r\n', () => resolve());
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  socket.destroy();
  return text
    .split('\r\n')
    .map((line) => /^\+[\d.]+ \[\d+ (\S+)\] "([^"]*)"(?: "([^"]*)")?/.exec(line))
    .filter((found) => found !== null)
    .map(([, source, name = '', argument]) => ({
      isNested: source === 'lua',
      name: name.toLowerCase(),
      argument,
    }));
}
