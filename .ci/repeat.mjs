/**
 * Runs the tests again and again on a machine that is busy with something else, and lists those that fail in any round:
 * `npm run test:repeat -- [--rounds 10] [--loops 2] [--no-disk] [--script test] [arguments of Jest]`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, tokens } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    loops: { type: 'string', default: '2' },
    'no-disk': { type: 'boolean', default: false },
    script: { type: 'string', default: 'test' },
  },
  strict: false,
  allowPositionals: true,
  tokens: true,
});
const own = new Set(['rounds', 'loops', 'no-disk', 'script']);
const forwarded = tokens.flatMap((token) => {
  if (token.kind === 'option' && own.has(token.name)) {
    return [];
  }
  return token.kind === 'option'
    ? [token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`]
    : [token.value ?? '--'];
});
const rounds = Number(values.rounds);
const loops = Number(values.loops);

const folder = mkdtempSync(join(tmpdir(), 'nestjs-backfill-repeat-'));
const BUSY_LOOP = 'for (;;) { }';
const BUSY_DISK = `
  const { closeSync, fsyncSync, openSync, writeSync } = require('node:fs');
  const block = Buffer.alloc(1024 * 1024, 1);
  for (;;) {
    const file = openSync(process.argv[1], 'w');
    for (let i = 0; i < 64; i++) {
      writeSync(file, block);
      fsyncSync(file);
    }
    closeSync(file);
  }`;
const load = [
  ...Array.from({ length: loops }, () => ['-e', BUSY_LOOP]),
  ...(values['no-disk'] ? [] : [['-e', BUSY_DISK, join(folder, 'busy-disk')]]),
].map((args) => spawn(process.execPath, args, { stdio: 'ignore' }));

function endLoad() {
  load.forEach((child) => child.kill('SIGKILL'));
}
process.on('exit', endLoad);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(130));
}

/** What failed, by its name: the rounds that it failed in, and its first error. */
const flakes = new Map();

function note(name, round, error) {
  const flake = flakes.get(name) ?? { rounds: new Set(), error };
  flake.rounds.add(round);
  flakes.set(name, flake);
}

/** Reads the results of a round: tests, files that failed apart from their tests, and a run that did not end. */
function collect(round, code, results, log) {
  let failures = 0;
  const add = (name, error) => {
    failures++;
    note(name, round, error);
  };
  let suites = [];
  try {
    suites = JSON.parse(readFileSync(results, 'utf8')).testResults;
  } catch {
    add('the run', `no results, exit code ${code}; see ${log}`);
  }
  for (const { name, status, message, assertionResults } of suites) {
    const file = name.split('/test/').at(-1);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    for (const { fullName, failureMessages } of failed) {
      add(`test/${file} > ${fullName}`, failureMessages.join('\n'));
    }
    if (status === 'failed' && failed.length === 0) {
      add(`test/${file}`, message);
    }
  }
  if (code !== 0 && failures === 0) {
    add('the run', `exit code ${code}; see ${log}`);
  }
  return failures;
}

async function runOnce(round) {
  const results = join(folder, `round-${round}.json`);
  const log = join(folder, `round-${round}.log`);
  const output = createWriteStream(log);
  const began = Date.now();
  const args = ['run', '--silent', values.script, '--', ...forwarded, '--json', `--outputFile=${results}`];
  const child = spawn('npm', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const [code] = await once(child, 'close');
  await new Promise((resolve) => output.end(resolve));
  const failures = collect(round, code, results, log);
  const seconds = Math.round((Date.now() - began) / 1000);
  // Jest gives a worker half a second to end, which says more about the machine than about the tests.
  const late = readFileSync(log, 'utf8').includes('failed to exit gracefully') ? ', a worker ended late' : '';
  console.log(`round ${round} of ${rounds}: ${failures} failures in ${seconds} s${late}`);
}

console.log(`${loops} busy loops, ${values['no-disk'] ? 'no' : 'one'} busy disk; the output is in ${folder}`);
for (let round = 1; round <= rounds; round++) {
  await runOnce(round);
}
endLoad();
rmSync(join(folder, 'busy-disk'), { force: true });

const list = [...flakes].toSorted(([, a], [, b]) => b.rounds.size - a.rounds.size);
for (const [name, { rounds: failedIn, error }] of list) {
  console.log(`\n${name}\n  failed in ${failedIn.size} of ${rounds} rounds (${[...failedIn].join(', ')})`);
  console.log(
    String(error)
      .split('\n')
      .slice(0, 12)
      .map((line) => `  ${line}`)
      .join('\n'),
  );
}
console.log(`\n${rounds} rounds, ${flakes.size} flakes`);
if (flakes.size === 0) {
  rmSync(folder, { recursive: true });
}
process.exitCode = flakes.size === 0 ? 0 : 1;
