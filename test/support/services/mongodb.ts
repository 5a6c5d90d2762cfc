import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { MongoCommands } from './mongo-commands.js';
import { answerMongo, onMongoRequest } from './mongo-messages.js';
import type { Service } from './services.js';

export interface MongodbServer extends Service {
  /** Breaks every connection and takes no more. */
  kill(): Promise<void>;
  /** Listens again on the same port with the same data. */
  restart(): Promise<void>;
}

/**
 * Starts a server that speaks MongoDB's wire protocol, as no registry has a real one. It answers what
 * MikroORM's driver asks of a standalone server, from memory; whatever else it is asked is an error.
 */
export async function startMongodb(): Promise<MongodbServer> {
  const commands = new MongoCommands();
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const listen = async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      onMongoRequest(socket, (request) => answerMongo(socket, request, commands.answer(request.command)));
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const kill = async () => {
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  return {
    url: `mongodb://127.0.0.1:${port}`,
    external: false,
    kill,
    restart: async () => {
      await kill();
      await listen();
    },
    stop: kill,
  };
}
