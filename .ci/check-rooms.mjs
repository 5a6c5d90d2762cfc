// Checks that imports in `lib` only run down between its rooms (folders) and form no cycle. Type imports count, too.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import ts from 'typescript';

const BELOW_SERVICE =
  'redis database throttles sources config handlers state queues pacing forecast supervision planning journal processing rehearsal status stalls ledger';
const ABOVE_SERVICE = `${BELOW_SERVICE} service`;

/** From bottom to top: what each room may import, beside itself, `async`, `errors` and `logging`. */
const MAY_IMPORT = {
  redis: '',
  database: '',
  // A throttle is given the Redis client in its context.
  throttles: 'redis database',
  sources: 'database',
  // The module options and `@Backfill` take throttles.
  config: 'redis throttles',
  handlers: 'throttles sources config',
  state: 'redis sources config',
  // The queues to publish are those of the registered handlers.
  queues: 'redis config handlers state',
  // From here on a room may also import what the rooms that it uses take and return.
  pacing: 'redis database throttles sources config handlers state queues',
  forecast: 'redis database throttles sources config handlers state queues pacing',
  // Planning imports supervision and not the reverse: the cycle runner reports failed cycles to the run breaker.
  supervision: 'redis database throttles config handlers state queues pacing',
  // A run keeps the forecast that it is started with.
  planning: 'redis database sources config handlers state queues pacing forecast supervision',
  journal: 'redis database sources config handlers state supervision planning',
  // The batch tuner of planning measures the ranges that are processed here.
  processing:
    'redis database throttles sources config handlers state queues pacing supervision planning journal',
  // The executor and the guard of processing are those of a run.
  rehearsal:
    'redis database throttles sources config handlers state queues pacing forecast supervision planning journal processing',
  status: 'redis sources config handlers state pacing forecast supervision planning',
  // What a stalled run waits for is found by the processes that work on it, and from the state that the status shows.
  stalls: 'redis database config handlers state supervision status',
  ledger: 'redis database sources config handlers state supervision status',
  // The file backfill.service.ts.
  service: BELOW_SERVICE,
  hooks: ABOVE_SERVICE,
  monitoring: ABOVE_SERVICE,
  admin: ABOVE_SERVICE,
  cli: ABOVE_SERVICE,
  schematics: ABOVE_SERVICE,
  testing: ABOVE_SERVICE,
  // `ensureCompleted` boots the app as the command line does.
  migrations: `${ABOVE_SERVICE} cli`,
  // The other files of `lib` itself.
  module: `${ABOVE_SERVICE} hooks monitoring admin cli schematics testing migrations`,
};

const files = readdirSync('lib', { recursive: true })
  .map((name) => join('lib', name))
  .filter((name) => name.endsWith('.ts'))
  .toSorted();
const imports = new Map(files.map((file) => [file, importsOf(file)]));
for (const message of [...files.flatMap(wrongImports), ...files.flatMap(cycleOf)]) {
  console.error(message);
  process.exitCode = 1;
}

function importsOf(file) {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  const own = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
  return new Set(own.map((name) => join(dirname(file), name).replace(/\.js$/, '.ts')));
}

function wrongImports(file) {
  const room = roomOf(file);
  const below = MAY_IMPORT[room]?.split(' ').filter(Boolean);
  const allowed = below ? ['async', 'errors', 'logging', ...below] : [];
  return [...imports.get(file)].flatMap((imported) => {
    const other = roomOf(imported);
    const message = `${file}: imports ${imported}, but room ${room} may only import ${allowed.join(', ') || 'itself'}`;
    return other === room || allowed.includes(other) ? [] : [message];
  });
}

function cycleOf(file) {
  const reachable = reachableFrom(file);
  const cycle = files.filter((it) => reachable.has(it) && reachableFrom(it).has(file));
  const message = `${file}: imports itself in the cycle of ${cycle.join(', ')}`;
  return cycle[0] === file ? [message] : [];
}

function reachableFrom(file, found = new Set()) {
  const added = [...(imports.get(file) ?? [])].filter((it) => !found.has(it) && found.add(it));
  added.forEach((it) => reachableFrom(it, found));
  return found;
}

function roomOf(file) {
  const [, name, below] = file.split('/');
  return below ? name : name === 'backfill.service.ts' ? 'service' : 'module';
}
