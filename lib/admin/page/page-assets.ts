import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Injectable } from '@nestjs/common';

const FOLDER = new URL('../ui/', import.meta.url);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** References to files of the page: `'./api.js'` in a module, `"ui/app.js"` in the document. */
const REFERENCE = /(["'])(\.\/|ui\/)([\w.-]+)\1/g;
const HASHED_NAME = /^(.+)\.[0-9a-f]{12}(\.\w+)$/;

/** A file of the page. */
export interface PageAsset {
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly type: string;
  readonly etag: string;
  /** Whether the name has a hash of the content, so that what it names never changes. */
  readonly isImmutable: boolean;
}

/**
 * The files of the page by name, and by a name with a hash, which is what they refer to each other by. The folder is read
 * and compressed once: a name from a request is never used as a path.
 */
@Injectable()
export class PageAssets {
  private files: ReadonlyMap<string, PageAsset> | undefined;

  find(name: string): PageAsset | undefined {
    this.files ??= readFolder();
    // During a deploy a page of another version may ask for a hash that this process does not have.
    return this.files.get(name) ?? this.files.get(name.replace(HASHED_NAME, '$1$2'));
  }
}

function readFolder(): ReadonlyMap<string, PageAsset> {
  const names = readdirSync(FOLDER).filter((name) => extname(name) in CONTENT_TYPES);
  const contents = new Map(names.map((name) => [name, readFileSync(new URL(name, FOLDER))]));
  // One hash of all files: modules import each other, so the hash of one depends on that of others.
  const hash = hashOf(...contents.values());
  const hashed = (name: string): string => name.replace(/\.(\w+)$/, `.${hash}.$1`);
  const refer = (text: string): string =>
    text.replaceAll(REFERENCE, (found, quote: string, folder: string, name: string) =>
      contents.has(name) ? `${quote}${folder}${hashed(name)}${quote}` : found,
    );
  const files = new Map<string, PageAsset>();
  for (const [name, content] of contents) {
    const body = Buffer.from(refer(content.toString('utf8')));
    const asset = {
      body,
      gzipped: gzipSync(body, { level: 9 }),
      type: CONTENT_TYPES[extname(name)] ?? '',
      etag: hashOf(body),
      isImmutable: false,
    };
    files.set(name, asset);
    files.set(hashed(name), { ...asset, isImmutable: true });
  }
  return files;
}

function hashOf(...parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return hash.digest('hex').slice(0, 12);
}
