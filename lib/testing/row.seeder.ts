import { ReferenceKind } from '@mikro-orm/core';
import type { EntityManager, EntityMetadata, EntityName, EntityProperty } from '@mikro-orm/core';
import { BackfillError } from '../errors/backfill-error.js';
import { needsValue, sampleValue } from './sample-value.js';

/** Methods of an entity manager, for an entity that is known only at run time. */
interface UntypedEntityManager {
  create(entity: unknown, data: object, options: object): object;
  persist(entity: object): unknown;
}

/** A row lacks a value that nothing but the test can choose. */
class SeedValueError extends BackfillError {
  readonly code = 'BACKFILL_SEED_VALUE';

  constructor(entity: string, path: string, why: string) {
    const [property] = path.split('.');
    super(
      `Expected a value for ${entity}.${path}, got none. seed cannot choose one: ${why}. ` +
        `Give it in the row: seed(${entity}, [{ ${property}: ... }]).`,
    );
  }
}

/** Creates rows, with values by their types where a row leaves out what it needs. */
export class RowSeeder {
  /** Rows of each entity so far, so that values of unique columns differ also between two calls. */
  private readonly counts = new Map<string, number>();

  /** Persists the rows; the caller flushes. */
  create(em: EntityManager, entity: EntityName, rows: readonly object[]): object[] {
    const meta = em.getMetadata(entity);
    const referenced = new Map<EntityProperty, object>();
    return rows.map((row) => this.createRow(em, meta, row, referenced));
  }

  /** @param referenced rows that the rows of this call share, by the relation that needs them */
  private createRow(
    em: EntityManager,
    meta: EntityMetadata,
    row: object,
    referenced: Map<EntityProperty, object>,
    path: readonly EntityMetadata[] = [],
  ): object {
    const n = (this.counts.get(meta.className) ?? 0) + 1;
    this.counts.set(meta.className, n);
    const data: Record<string, unknown> = { ...row };
    const initial = initialValues(meta);
    for (const prop of meta.props) {
      const isGiven = data[prop.name] !== undefined || Reflect.get(initial, prop.name) !== undefined;
      if (!isGiven && needsValue(prop, meta)) {
        data[prop.name] =
          prop.targetMeta === undefined || prop.kind === ReferenceKind.EMBEDDED
            ? this.value(meta, prop, n, prop.name)
            : this.reference(em, meta, prop, referenced, [...path, meta]);
      }
    }
    const untyped = em as unknown as UntypedEntityManager;
    const created = untyped.create(meta.class, data, { partial: true });
    untyped.persist(created);
    return created;
  }

  private reference(
    em: EntityManager,
    meta: EntityMetadata,
    prop: EntityProperty,
    referenced: Map<EntityProperty, object>,
    path: readonly EntityMetadata[],
  ): object {
    const target = prop.targetMeta;
    if (target === undefined || prop.mapToPk === true) {
      throw new SeedValueError(meta.className, prop.name, 'it is the key of another row');
    }
    if (path.includes(target)) {
      throw new SeedValueError(meta.className, prop.name, `${target.className} needs a row of itself`);
    }
    const isShared = prop.kind === ReferenceKind.MANY_TO_ONE && prop.unique !== true && prop.primary !== true;
    const found = isShared ? referenced.get(prop) : undefined;
    const row = found ?? this.createRow(em, target, {}, referenced, path);
    referenced.set(prop, row);
    return row;
  }

  private value(meta: EntityMetadata, prop: EntityProperty, n: number, path: string): unknown {
    if (prop.kind === ReferenceKind.EMBEDDED && prop.array !== true) {
      const needed = Object.entries(prop.embeddedProps).filter(([, part]) =>
        needsValue({ ...part, embedded: undefined }, meta),
      );
      return Object.fromEntries(
        needed.map(([name, part]) => [name, this.value(meta, part, n, `${path}.${name}`)]),
      );
    }
    const value = sampleValue(prop, n);
    if (value === undefined) {
      throw new SeedValueError(meta.className, path, `its type is ${prop.type || 'unknown'}`);
    }
    return value;
  }
}

/** What the class itself sets; MikroORM knows only values that are the same for all instances. */
function initialValues(meta: EntityMetadata): object {
  try {
    return Reflect.construct(meta.class, []) as object;
  } catch {
    // Its constructor needs arguments.
    return {};
  }
}
