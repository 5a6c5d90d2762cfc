import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'libsql';

/** Holds the file's write lock half of the time, until it is killed. */
const [, , file] = process.argv;
const database = new Database(file, { timeout: 5_000 });
database.exec('create table if not exists others (n integer)');
for (let held = 1; ; held++) {
  database.exec('begin immediate');
  database.exec(`insert into others values (${held})`);
  await sleep(20);
  database.exec('commit');
  if (held === 1) console.log('holding');
  await sleep(20);
}
