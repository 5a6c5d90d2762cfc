import { createConnection } from 'node:net';
import type { GuardedFolder } from './guarded-folder.js';
import { ServerProcess, type ServerCommand } from './server-process.js';
import type { Service } from './services.js';

/** A server that was started here, in a folder of its own. */
export interface OwnServer extends Service {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly running: boolean;
  readonly folder: string;
  /** May be another one, in memory. */
  readonly dataFolder: string;
  /** Ends as a crash does. */
  kill(): Promise<void>;
  /** Starts again on the same port in the same folder, after a clean end if it still runs. */
  restart(): Promise<void>;
  /** Freezes the server: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Ends a {@link pause}. */
  resume(): Promise<void>;
}

export interface OwnServerPlace {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What a crash is like. @default 'SIGKILL' */
  readonly crash?: NodeJS.Signals;
  /** What ends it cleanly. @default 'SIGTERM' */
  readonly end?: NodeJS.Signals;
}

/** Starts a server. */
export async function startOwnServer(
  folder: GuardedFolder,
  command: ServerCommand,
  { url, host, port, crash = 'SIGKILL', end = 'SIGTERM' }: OwnServerPlace,
): Promise<OwnServer> {
  const running = new ServerProcess(folder, command);
  await running.start();
  return {
    url,
    host,
    port,
    external: false,
    folder: folder.path,
    dataFolder: folder.dataPath,
    get pid() {
      return running.pid;
    },
    get running() {
      return running.running;
    },
    kill: () => running.end(crash),
    restart: async () => {
      await running.end(end);
      await running.start();
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
    stop: () => folder.release(),
  };
}

/** Whether whoever listens says what is expected, by itself or once it was spoken to. */
export function answersWith(
  { host, port }: Pick<OwnServerPlace, 'host' | 'port'>,
  expected: RegExp,
  say?: string,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(false));
    if (say !== undefined) {
      socket.once('connect', () => socket.write(say));
    }
    socket.once('data', (data) => settle(expected.test(data.toString('latin1'))));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
