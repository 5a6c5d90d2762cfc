import { type Document, Long } from 'bson';
import { Aggregator } from 'mingo';
import { MongoCollection, MongoFailure, type MongoWrite } from './mongo-collection.js';

/** The commands that MikroORM's driver sends, as a standalone server answers them: without transactions. */
export class MongoCommands {
  private readonly collections = new Map<string, MongoCollection>();
  private readonly cursors = new Map<string, Document[]>();
  private nextCursor = 1;

  answer(command: Document): Document {
    const [name = ''] = Object.keys(command);
    try {
      if (command['startTransaction'] !== undefined || command['autocommit'] !== undefined) {
        const text = 'Transaction numbers are only allowed on a replica set member or mongos';
        throw new MongoFailure(20, 'IllegalOperation', text);
      }
      return { ...this.run(name, command), ok: 1 };
    } catch (error) {
      const { code = 2, codeName = 'BadValue' } = error as Partial<MongoFailure>;
      return { ok: 0, errmsg: error instanceof Error ? error.message : String(error), code, codeName };
    }
  }

  private run(name: string, command: Document): Document {
    switch (name) {
      case 'hello':
      case 'isMaster':
      case 'ismaster':
        return hello();
      case 'ping':
      case 'endSessions':
        return {};
      case 'killCursors':
        for (const id of command['cursors'] as unknown[]) this.cursors.delete(String(id));
        return { cursorsKilled: command['cursors'] };
      case 'getMore':
        return this.more(command);
      case 'listCollections':
        return this.first(
          command,
          this.names(String(command['$db'])).map((it) => ({ name: it, type: 'collection' })),
        );
      case 'dropDatabase':
        for (const it of this.names(String(command['$db'])))
          this.collections.delete(`${command['$db']}.${it}`);
        return {};
      default:
        return this.onCollection(name, command, this.collection(command, name));
    }
  }

  private onCollection(name: string, command: Document, collection: MongoCollection): Document {
    switch (name) {
      case 'create':
        return {};
      case 'createIndexes':
        for (const index of command['indexes']) collection.createIndex(index);
        return {};
      case 'listIndexes':
        return this.first(command, [...collection.indexes]);
      case 'drop':
        this.collections.delete(`${command['$db']}.${command['drop']}`);
        return {};
      case 'find':
        return this.first(command, collection.find(command));
      case 'aggregate':
        return this.first(command, new Aggregator(command['pipeline']).run(collection.find({})));
      case 'count':
        return { n: collection.find({ ...command, filter: command['query'] }).length };
      case 'distinct':
        return { values: distinct(collection.find({ filter: command['query'] }), String(command['key'])) };
      case 'insert':
        return each(command['documents'] as Document[], (document) => {
          collection.insert(document);
          return 1;
        });
      case 'update': {
        let nModified = 0;
        const done = each(command['updates'] as MongoWrite[], (write) => {
          const { matched, modified } = collection.update(write);
          nModified += modified;
          return matched;
        });
        return { ...done, nModified };
      }
      case 'delete':
        return each(command['deletes'] as MongoWrite[], (write) => collection.delete(write));
      default:
        throw new MongoFailure(59, 'CommandNotFound', `no such command: '${name}'`);
    }
  }

  private collection(command: Document, name: string): MongoCollection {
    const path = `${command['$db']}.${command[name]}`;
    const known = this.collections.get(path) ?? new MongoCollection();
    this.collections.set(path, known);
    return known;
  }

  private names(database: string): string[] {
    const prefix = `${database}.`;
    return [...this.collections.keys()].flatMap((path) =>
      path.startsWith(prefix) ? [path.slice(prefix.length)] : [],
    );
  }

  private first(command: Document, documents: Document[]): Document {
    const size = Number(command['batchSize'] ?? command['cursor']?.batchSize ?? 101);
    const firstBatch = documents.slice(0, size);
    const rest = documents.slice(size);
    const id = rest.length === 0 || command['singleBatch'] ? 0 : this.nextCursor++;
    if (id > 0) this.cursors.set(String(id), rest);
    return { cursor: { id: Long.fromNumber(id), ns: namespace(command), firstBatch } };
  }

  private more(command: Document): Document {
    const id = String(command['getMore']);
    const rest = this.cursors.get(id);
    if (!rest) throw new MongoFailure(43, 'CursorNotFound', `cursor id ${id} not found`);
    const nextBatch = rest.splice(0, Number(command['batchSize'] ?? rest.length));
    if (rest.length === 0) this.cursors.delete(id);
    const ns = `${command['$db']}.${command['collection']}`;
    return { cursor: { id: Long.fromString(rest.length === 0 ? '0' : id), ns, nextBatch } };
  }
}

function hello(): Document {
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
  };
}

function namespace(command: Document): string {
  const [name = ''] = Object.keys(command);
  return `${command['$db']}.${String(command[name])}`;
}

/** Does the writes of a command up to the first that fails. */
function each<T>(writes: readonly T[], write: (one: T) => number): Document {
  let n = 0;
  const writeErrors: Document[] = [];
  for (const [index, one] of writes.entries()) {
    try {
      n += write(one);
    } catch (error) {
      if (!(error instanceof MongoFailure)) throw error;
      writeErrors.push({ index, code: error.code, errmsg: error.message });
      break;
    }
  }
  return writeErrors.length === 0 ? { n } : { n, writeErrors };
}

function distinct(documents: readonly Document[], key: string): unknown[] {
  return [...new Set(documents.map((document): unknown => document[key]))];
}
