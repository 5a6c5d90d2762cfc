import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readReadme } from '../../e2e/readme/readme.js';
import { run } from './shell.js';

/** Does what the quick start says, in a new folder and to the letter. */
export class QuickStart {
  constructor(readonly folder: string) {}

  async install(tarball: string): Promise<void> {
    const { files, installs } = await readReadme();
    for (const [path, body] of files) {
      await mkdir(dirname(join(this.folder, path)), { recursive: true });
      await writeFile(join(this.folder, path), body);
    }
    for (const args of installs) {
      const packages = args.map((name) => (name === 'nestjs-backfill' ? `file:${tarball}` : name));
      await run(this.folder, 'npm', [...packages, '--no-audit', '--no-fund']);
    }
  }

  /** Answers what `npm start` printed. */
  start(services: NodeJS.ProcessEnv): Promise<string> {
    return run(this.folder, 'npm', ['start'], services);
  }

  /** Answers what the command line printed. */
  async listRuns(services: NodeJS.ProcessEnv): Promise<string> {
    const { commands } = await readReadme();
    const [, ...args] = commands.find((words) => words.includes('runs')) ?? [];
    return run(this.folder, 'npx', args, services);
  }
}
