import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import { Injectable } from '@nestjs/common';
import { readPackageFolder } from '../../assets/package-file.js';

const TYPES: Readonly<Record<string, string>> = {
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

/** Holds the files of the page: what is not among them cannot be asked for. */
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
  for (const [name, body] of readPackageFolder('admin/ui')) {
    const type = TYPES[extname(name)];
    if (type !== undefined) {
      files.set(name, { body, type, etag: `"${createHash('sha1').update(body).digest('base64url')}"` });
    }
  }
  return files;
}
