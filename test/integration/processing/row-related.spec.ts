import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Collection } from '@mikro-orm/core';
import { keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

@Entity({ tableName: 'owners' })
class Owner {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'text' })
  state: string = 'new';
}

@Entity({ tableName: 'toys' })
class Toy {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;
}

@Entity({ tableName: 'pets' })
class Pet {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'text' })
  state: string = 'new';

  @ManyToOne({ entity: () => Owner })
  owner!: Owner;

  @OneToMany({ entity: () => Visit, mappedBy: 'pet' })
  visits = new Collection<Visit>(this);

  @ManyToMany({
    entity: () => Toy,
    pivotTable: 'pets_toys',
    joinColumn: 'pet_id',
    inverseJoinColumn: 'toy_id',
  })
  toys = new Collection<Toy>(this);
}

@Entity({ tableName: 'visits' })
class Visit {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @ManyToOne({ entity: () => Pet })
  pet!: Pet;
}

const bench = await createAppBench();
const { database } = bench;
await database.query(
  'create table owners (id int primary key, state text not null); ' +
    'create table pets (id int primary key, state text not null, owner_id int not null references owners); ' +
    'create table visits (id int primary key, pet_id int not null references pets); ' +
    'create table toys (id int primary key); ' +
    'create table pets_toys (pet_id int references pets, toy_id int references toys, primary key (pet_id, toy_id))',
);

function signal() {
  let give = () => {};
  const given = new Promise<void>((resolve) => (give = resolve));
  return { give, given };
}

it('a transaction that is rolled back takes nothing with it that belongs to another row, and leaves what is its own', async () => {
  await database.query(
    "insert into owners select i, 'new' from generate_series(1, 2) i; " +
      "insert into pets select i, 'new', i from generate_series(1, 2) i; " +
      'insert into toys select generate_series(1, 3); insert into pets_toys values (1, 1), (2, 1)',
  );
  const [loaded, begun, changed] = [signal(), signal(), signal()];
  const handler = defineBackfill<never, Pet>({
    name: 'pets',
    source: keyset(Pet, { orderBy: { id: 'asc' } }),
    config: { batchSize: 2, rowConcurrency: 2, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    processRow: async (pet, { em }) => {
      await em.populate(pet, ['owner', 'visits', 'toys'] as never);
      if (pet.id === 2) {
        loaded.give();
        await begun.given;
        pet.owner.state = 'done';
        pet.toys.set([em.getReference(Toy, 2), em.getReference(Toy, 3)]);
        pet.visits.add(em.create(Visit, { id: 20, pet }, { persist: false }));
        changed.give();
        return;
      }
      await loaded.given;
      const transaction = em.transactional(async (inner) => {
        begun.give();
        await changed.given;
        pet.owner.state = 'lost';
        pet.toys.removeAll();
        pet.visits.add(inner.create(Visit, { id: 10, pet }, { persist: false }));
        await inner.flush();
        throw new Error('not now');
      });
      await expect(transaction).rejects.toThrow('not now');
    },
  });
  const { backfills, finished } = await bench.start({
    entities: [Owner, Pet, Toy, Visit],
    handlers: [handler],
  });
  await backfills.start('pets');
  expect(await finished('pets')).toMatchObject({ state: 'completed', rowsDone: 2 });
  expect(await database.query('select id, state from owners order by id')).toEqual([
    { id: 1, state: 'new' },
    { id: 2, state: 'done' },
  ]);
  expect(await database.query('select id from visits')).toEqual([{ id: 20 }]);
  expect(await database.query('select pet_id, toy_id from pets_toys order by 1, 2')).toEqual([
    { pet_id: 1, toy_id: 1 },
    { pet_id: 2, toy_id: 2 },
    { pet_id: 2, toy_id: 3 },
  ]);
});

it('a transaction that is rolled back takes no collection with it that its row has changed before', async () => {
  await database.query(
    "truncate pets_toys, visits, pets, toys, owners; insert into owners values (1, 'new'); " +
      "insert into pets values (1, 'new', 1); insert into toys select generate_series(1, 3); insert into pets_toys values (1, 1)",
  );
  const handler = defineBackfill<never, Pet>({
    name: 'pets',
    source: keyset(Pet, { orderBy: { id: 'asc' } }),
    config: { batchSize: 2, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    processRow: async (pet, { em }) => {
      await pet.toys.init();
      pet.toys.add(em.getReference(Toy, 2));
      const transaction = em.transactional(async (inner) => {
        pet.state = 'failed';
        await inner.flush();
        throw new Error('not now');
      });
      await expect(transaction).rejects.toThrow('not now');
      pet.state = 'done';
    },
  });
  const { backfills, finished } = await bench.start({
    entities: [Owner, Pet, Toy, Visit],
    handlers: [handler],
  });
  await backfills.start('pets');
  expect(await finished('pets')).toMatchObject({ state: 'completed', rowsDone: 1 });
  expect(await database.query('select state from pets')).toEqual([{ state: 'done' }]);
  expect(await database.query('select toy_id from pets_toys order by 1')).toEqual([
    { toy_id: 1 },
    { toy_id: 2 },
  ]);
});
