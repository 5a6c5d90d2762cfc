import type { Socket } from 'node:net';
import { deserialize, serialize, type Document } from 'bson';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;

/** A command of a client; `$db` names its database. */
export interface MongoRequest {
  readonly id: number;
  readonly operation: number;
  readonly command: Document;
}

/**
 * Reads MongoDB's wire protocol off a socket: OP_MSG, and OP_QUERY, by which drivers still say hello.
 *
 * @see https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
 */
export function onMongoRequest(socket: Socket, handle: (request: MongoRequest) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (data) => {
    pending = Buffer.concat([pending, Buffer.from(data)]);
    while (pending.length >= HEADER) {
      const length = pending.readInt32LE(0);
      if (pending.length < length) return;
      const message = pending.subarray(0, length);
      pending = pending.subarray(length);
      handle(parse(message));
    }
  });
}

/** Answers a request. */
export function answerMongo(socket: Socket, { id, operation }: MongoRequest, reply: Document): void {
  const body = Buffer.from(serialize(reply, { ignoreUndefined: true }));
  const prefix = operation === OP_QUERY ? Buffer.alloc(20) : Buffer.alloc(5);
  // One document in an OP_REPLY; no flags and a section of kind 0 in an OP_MSG.
  if (operation === OP_QUERY) prefix.writeInt32LE(1, 16);
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + prefix.length + body.length, 0);
  header.writeInt32LE(id, 8);
  header.writeInt32LE(operation === OP_QUERY ? OP_REPLY : OP_MSG, 12);
  socket.write(Buffer.concat([header, prefix, body]));
}

function parse(message: Buffer): MongoRequest {
  const [id, operation] = [message.readInt32LE(4), message.readInt32LE(12)];
  if (operation === OP_QUERY) {
    const name = message.indexOf(0, HEADER + 4);
    return { id, operation, command: document(message, name + 1 + 8) };
  }
  if (operation !== OP_MSG) {
    throw new Error(`Expected an OP_MSG or an OP_QUERY, got operation ${operation}`);
  }
  const command: Document = {};
  const end = message.length - ((message.readInt32LE(HEADER) & 1) === 1 ? 4 : 0);
  for (let at = HEADER + 4; at < end;) {
    const kind = message.readUInt8(at++);
    const size = message.readInt32LE(at);
    if (kind === 0) {
      Object.assign(command, document(message, at));
    } else {
      const name = message.indexOf(0, at + 4);
      const list: Document[] = [];
      for (let next = name + 1; next < at + size; next += message.readInt32LE(next)) {
        list.push(document(message, next));
      }
      command[message.toString('utf8', at + 4, name)] = list;
    }
    at += size;
  }
  return { id, operation, command };
}

function document(message: Buffer, at: number): Document {
  return deserialize(message.subarray(at, at + message.readInt32LE(at)));
}
