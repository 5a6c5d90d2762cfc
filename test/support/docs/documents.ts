import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const GUIDES = 'sample/guides';

/** The guides, one a topic, by their paths in the repository. */
export async function guidePaths(): Promise<string[]> {
  const files = await readdir(join(ROOT, GUIDES));
  return files.filter((file) => file.endsWith('.md')).map((file) => `${GUIDES}/${file}`);
}

/** What a user of the library reads: the README, the page of the sample and the guides. */
export async function documentPaths(): Promise<string[]> {
  return ['README.md', 'sample/README.md', ...(await guidePaths())];
}

export function readDocument(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

/** The TypeScript snippets of all documents, in their order. */
export async function readSnippets(): Promise<string[]> {
  const documents = await Promise.all((await documentPaths()).map(readDocument));
  return documents.flatMap((text) =>
    Array.from(text.matchAll(/```ts\n([^]*?)```/g), ([, code = '']) => code),
  );
}
