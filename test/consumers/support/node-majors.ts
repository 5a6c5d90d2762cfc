import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './shell.js';

/** Beside the Node that runs the tests. */
const MAJORS = ['22', '24', 'latest'] as const;

/** Another Node than the one that runs the tests. */
export interface NodeMajor {
  /** As it tells it: `v22.1.0`. */
  readonly version: string;
  /** Has npm, npx and the tools of an app run on it. */
  readonly env: NodeJS.ProcessEnv;
}

/** Installs the newest release of each major, and the newest of all, from npm, and has `nodeMajors` find them. */
export async function installNodeMajors(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-backfill-node-'));
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  const name = `node-${process.platform}-${process.arch}`;
  const packages = MAJORS.map((major) => `node-${major}@npm:${name}@${major}`);
  await run(folder, 'npm', ['install', ...packages, '--no-audit', '--no-fund']);
  const majors = await Promise.all(
    MAJORS.map(async (major): Promise<NodeMajor> => {
      const bin = join(folder, `node_modules/node-${major}/bin`);
      const version = await run(folder, join(bin, 'node'), ['--version']);
      return { version: version.trim(), env: { PATH: [bin, process.env['PATH']].join(delimiter) } };
    }),
  );
  process.env['NODE_MAJORS'] = JSON.stringify(majors);
  process.env['NODE_MAJORS_FOLDER'] = folder;
}

/** What the global setup installed. */
export function nodeMajors(): readonly NodeMajor[] {
  const majors = process.env['NODE_MAJORS'];
  if (majors === undefined) {
    throw new Error('Expected NODE_MAJORS, which the global setup of these tests sets');
  }
  return JSON.parse(majors) as NodeMajor[];
}
