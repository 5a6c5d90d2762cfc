import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { attempt, run } from './shell.js';
import type { Answer } from './shell.js';
import type { Stack } from './stacks.js';
import { ownTool } from './tarball.js';

interface Manifest {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  jest?: Record<string, unknown>;
  overrides?: Record<string, unknown>;
}

/** Deploy tools and others of Nest's template that nothing here runs. */
const UNUSED = /nestjs\/mau|coverage|^ts-loader$|^ts-node$|source-map-support/;

/** A Nest app outside of the repository, as its authors would make it. */
export class ConsumerApp {
  readonly folder: string;
  /** Variables that tell the app where its database and Redis are. */
  services: NodeJS.ProcessEnv = {};
  private readonly parent: string;

  constructor(
    readonly stack: Stack,
    folder: string,
  ) {
    this.parent = join(folder, stack.key);
    this.folder = join(this.parent, 'app');
  }

  /** Makes the app with the schematics of Nest's own command line and installs it. */
  async create(): Promise<void> {
    await mkdir(this.parent, { recursive: true });
    const args = ['new', 'app', '--skip-git', '--skip-install', '-p', 'npm'];
    if (this.stack.cli === null) {
      await run(this.parent, ownTool('nest'), [...args, '--no-observe']);
    } else {
      await run(this.parent, 'npx', ['-y', `@nestjs/cli@${this.stack.cli}`, ...args]);
    }
    await this.editManifest((manifest) => {
      for (const name of Object.keys(manifest.devDependencies)) {
        if (UNUSED.test(name)) delete manifest.devDependencies[name];
      }
      for (const name of ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express']) {
        manifest.dependencies[name] = this.stack.nest;
      }
      manifest.devDependencies['@nestjs/testing'] = this.stack.nest;
      Object.assign(manifest.dependencies, this.stack.dependencies);
      manifest.overrides = this.stack.overrides;
    });
    await this.npm('install');
  }

  async editManifest(edit: (manifest: Manifest) => void): Promise<void> {
    const file = join(this.folder, 'package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
    edit(manifest);
    await writeFile(file, JSON.stringify(manifest, null, 2));
  }

  async npm(...args: string[]): Promise<string> {
    return run(this.folder, 'npm', [...args, '--no-audit', '--no-fund'], this.services);
  }

  /** Runs a tool of the app, which has to succeed. */
  async npx(...args: string[]): Promise<string> {
    return run(this.folder, 'npx', args, this.services);
  }

  /** Runs a tool of the app, whatever it answers. */
  async tryNpx(...args: string[]): Promise<Answer> {
    return attempt(this.folder, 'npx', args, this.services);
  }

  /** Runs the unit tests of the app under its own runner, which knows no database and no Redis. */
  async test(): Promise<Answer> {
    const { test, nodeOptions } = this.stack;
    return attempt(this.folder, 'npx', test, { NODE_OPTIONS: nodeOptions });
  }

  async node(...args: string[]): Promise<string> {
    return run(this.folder, 'node', args, this.services);
  }

  /** Runs a file of the app, whatever it answers. */
  async tryNode(...args: string[]): Promise<Answer> {
    return attempt(this.folder, 'node', args, this.services);
  }

  async read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.folder, path), text);
  }

  async replace(path: string, from: string, to: string): Promise<void> {
    const text = await this.read(path);
    if (!text.includes(from)) {
      throw new Error(`Expected ${path} to contain ${from}, got:\n${text}`);
    }
    await this.write(path, text.replace(from, to));
  }

  /** Puts the tarball beside `package.json`; answers what npm installs it by. */
  async bring(tarball: string): Promise<string> {
    await copyFile(tarball, join(this.folder, basename(tarball)));
    return `file:${basename(tarball)}`;
  }
}
