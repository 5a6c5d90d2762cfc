import type { Document } from 'bson';
import { ObjectId } from 'bson';
import { Aggregator, Context } from 'mingo';
import type { QueryOperator } from 'mingo/types';
import { updateMany, updateOne } from 'mingo/updater';
import { isEqual } from 'mingo/util';

/** What a command of MongoDB failed with. */
export class MongoFailure extends Error {
  constructor(
    readonly code: number,
    readonly codeName: string,
    message: string,
  ) {
    super(message);
  }
}

interface Index {
  readonly name: string;
  readonly key: Document;
  readonly unique?: boolean;
}

/** One update or delete of a command. */
export interface MongoWrite {
  readonly q: Document;
  readonly u?: Document | Document[];
  readonly multi?: boolean;
  readonly upsert?: boolean;
  readonly limit?: number;
}

/** Types that `$type` of `mingo` does not know. */
const BSON_TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  objectId: (value) => bsonTypeOf(value) === 'ObjectId',
  binData: (value) => bsonTypeOf(value) === 'Binary' || value instanceof Uint8Array,
};

function bsonTypeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, '_bsontype') : undefined;
}

const hasBsonType = (path: string, type: string) => (document: Document) => {
  const value = path.split('.').reduce((at: unknown, key) => (at as Document | undefined)?.[key], document);
  return BSON_TYPES[type]?.(value) ?? false;
};

// The declared type of an operator is the intersection of all of them.
const context = Context.init().addQueryOps({ $bsonType: hasBsonType as unknown as QueryOperator });

/** Replaces `$type` by an operator of our own where `mingo` does not know the type. */
function withBsonTypes(filter: unknown): unknown {
  if (Array.isArray(filter)) {
    return filter.map(withBsonTypes);
  }
  if (typeof filter !== 'object' || filter === null || Object.getPrototypeOf(filter) !== Object.prototype) {
    return filter;
  }
  return Object.fromEntries(
    Object.entries(filter).map(([key, value]: [string, unknown]) =>
      key === '$type' && String(value) in BSON_TYPES ? ['$bsonType', value] : [key, withBsonTypes(value)],
    ),
  );
}

/** Documents in memory; `mingo` knows MongoDB's query language. */
export class MongoCollection {
  readonly indexes: Index[] = [{ name: '_id_', key: { _id: 1 }, unique: true }];
  private documents: Document[] = [];

  find({ filter = {}, sort, skip, limit, projection }: Document): Document[] {
    const stages: Document[] = [{ $match: withBsonTypes(filter) }];
    if (holds(sort)) stages.push({ $sort: sort });
    if (skip) stages.push({ $skip: Number(skip) });
    if (limit) stages.push({ $limit: Math.abs(Number(limit)) });
    if (holds(projection)) stages.push({ $project: projection });
    return new Aggregator(stages, { context }).run(this.documents);
  }

  insert(document: Document): void {
    const whole = '_id' in document ? document : { _id: new ObjectId(), ...document };
    this.checkUnique(whole);
    this.documents.push(whole);
  }

  update({ q, u = {}, multi, upsert }: MongoWrite): { matched: number; modified: number } {
    if (upsert) throw new MongoFailure(238, 'NotImplemented', 'This test server has no upserts');
    const change = multi ? updateMany : updateOne;
    const { matchedCount, modifiedCount } = change(this.documents, q, u as object, { cloneMode: 'deep' });
    return { matched: matchedCount, modified: modifiedCount };
  }

  delete({ q, limit }: MongoWrite): number {
    const gone = new Set(this.find({ filter: q, limit }));
    this.documents = this.documents.filter((document) => !gone.has(document));
    return gone.size;
  }

  createIndex(index: Index): void {
    if (!this.indexes.some(({ name }) => name === index.name)) this.indexes.push(index);
  }

  private checkUnique(document: Document): void {
    for (const { name, key, unique } of this.indexes) {
      const fields = Object.keys(key);
      const clash =
        unique && this.documents.some((it) => fields.every((field) => isSame(it[field], document[field])));
      if (clash) {
        throw new MongoFailure(11000, 'DuplicateKey', `E11000 duplicate key error index: ${name}`);
      }
    }
  }
}

/** As `isEqual`, which takes long for what most keys are. */
function isSame(one: unknown, other: unknown): boolean {
  const isPlain = typeof one === 'string' || typeof one === 'number';
  return isPlain && typeof one === typeof other ? one === other : isEqual(one, other);
}

function holds(fields: unknown): boolean {
  return Object.keys(fields ?? {}).length > 0;
}
