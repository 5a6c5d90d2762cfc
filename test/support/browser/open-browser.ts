import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core';
import { CONDITION_MS } from '../deadlines.js';

const run = promisify(execFile);
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens a browser with an empty profile; `close` ends it and removes the profile. */
export async function openBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const executablePath = await chromiumPath();
  const profile = await mkdtemp(join(tmpdir(), 'nestjs-backfill-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: FLAGS,
    ...options,
  });
  context.setDefaultTimeout(CONDITION_MS);
  context.once('close', () => {
    rm(profile, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
      console.warn(`The profile ${profile} is left: ${String(error)}`);
    });
  });
  return context;
}

/** Finds Chromium on the PATH, else has Debian install it. */
export async function chromiumPath(): Promise<string> {
  const installed = await onPath();
  if (installed) {
    return installed;
  }
  try {
    await run('apt-get', ['-qq', 'update']);
    await run(
      'apt-get',
      ['-qq', '-y', '--no-install-recommends', 'install', 'chromium', 'fonts-liberation'],
      {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      },
    );
  } catch (cause) {
    throw missing(cause);
  }
  const fetched = await onPath();
  if (!fetched) {
    throw missing();
  }
  return fetched;
}

async function onPath(): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  for (const path of NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // The next one may be.
    }
  }
  return undefined;
}

function missing(cause?: unknown): Error {
  return new Error(
    'Expected chromium on the PATH, got none. On Debian and Ubuntu: apt-get install chromium',
    {
      cause,
    },
  );
}
