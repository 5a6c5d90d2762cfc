import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { documentPaths, guidePaths, readDocument } from '../../support/docs/index.js';

const root = join(import.meta.dirname, '../../..');
const packed = await packedFiles();
const guides = await guidePaths();
const pages = [...(await documentPaths()), 'CONTRIBUTING.md', 'CHANGELOG.md'];
const links = (await Promise.all(pages.map(relativeLinks))).flat();
const targetsOf = (page: string) => links.filter((link) => link.page === page).map(({ path }) => path);

describe('the relative links of the README and the guides', () => {
  it('are found', () => {
    expect(links.length).toBeGreaterThan(80);
  });

  it.each(links)('$page: $target', async ({ path, anchor }) => {
    await access(join(root, path));
    expect(packed).toContain(path);
    if (anchor !== undefined) {
      expect(await anchorsOf(path)).toContain(anchor);
    }
  });
});

describe('the guides', () => {
  it('are found', () => {
    expect(guides.length).toBeGreaterThan(10);
  });

  it('are all linked from the README', () => {
    const linked = new Set(targetsOf('README.md'));
    expect(guides.filter((guide) => !linked.has(guide))).toEqual([]);
  });

  it.each(guides)('%s has one heading, a link back, and fits on a page', async (guide) => {
    const text = await readDocument(guide);
    expect(text).toMatch(/^# \S/);
    expect(withoutCode(text).match(/^# /gm)).toHaveLength(1);
    expect(text.split('\n').length).toBeLessThanOrEqual(150);
    expect(targetsOf(guide)).toContain('README.md');
  });

  it('are a chain in the order of the README, in which each names the next and the previous one', () => {
    const next = new Map<string, string>();
    const previous = new Map<string, string>();
    for (const { page, words, path } of links) {
      if (words.startsWith('Next:')) next.set(page, path);
      if (words.startsWith('Previous:')) previous.set(page, path);
    }
    const first = guides.find((guide) => !previous.has(guide)) ?? '';
    const chain = [first];
    const readme = targetsOf('README.md');
    const inTable = readme.slice(readme.lastIndexOf(first));
    for (let at = next.get(first); at !== undefined; at = next.get(at)) {
      expect([at, previous.get(at)]).toEqual([at, chain.at(-1)]);
      chain.push(at);
    }
    expect(chain.toSorted()).toEqual(guides);
    expect(inTable.filter((path) => chain.includes(path))).toEqual(chain);
  });
});

async function packedFiles(): Promise<string[]> {
  // Without the build: what it writes is linked from nowhere.
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 10_000_000 });
  const [tarball] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return tarball.files.map(({ path }) => path);
}

/** The links and pictures of a page as a browser resolves them: GitHub's beside the page, npm's in the repository. */
async function relativeLinks(page: string) {
  const text = withoutCode(await readDocument(page));
  const found = [
    ...text.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g),
    ...text.matchAll(/(src)(?:set)?="([^"]+)"/g),
  ].filter(([, , target = '']) => !/^[a-z]+:/.test(target));
  return found.map(([, words = '', target = '']) => {
    const [path = '', anchor] = target.split('#');
    return { page, words, target, path: path === '' ? page : posix.join(posix.dirname(page), path), anchor };
  });
}

/** What GitHub names the headings of a page by. */
async function anchorsOf(path: string): Promise<string[]> {
  const titles = [...withoutCode(await readDocument(path)).matchAll(/^#+ (.+)$/gm)];
  return titles.map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, '');
}
