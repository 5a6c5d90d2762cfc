import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Injectable } from '@nestjs/common';

const FOLDER = new URL('../ui/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file of the page. */
export interface PageAsset {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The files of the page by name. The folder is listed once: a name from a request is never used as a path. */
@Injectable()
export class PageAssets {
  private files: ReadonlyMap<string, PageAsset> | undefined;

  find(name: string): PageAsset | undefined {
    this.files ??= readFolder();
    return this.files.get(name);
  }
}

function readFolder(): ReadonlyMap<string, PageAsset> {
  const files = new Map<string, PageAsset>();
  for (const name of readdirSync(FOLDER)) {
    const type = CONTENT_TYPES[extname(name)];
    if (type !== undefined) {
      const body = readFileSync(new URL(name, FOLDER));
      files.set(name, { body, type, etag: `"${createHash('sha1').update(body).digest('base64url')}"` });
    }
  }
  return files;
}
