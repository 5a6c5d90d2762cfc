import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../../..');
const packed = await packedFiles();
const links = (await Promise.all(['README.md', 'sample/README.md'].map(relativeLinks))).flat();

describe('the relative links of the README and the guides', () => {
  it('are found', () => {
    expect(links.length).toBeGreaterThan(40);
  });

  it.each(links)('$page: $target', async ({ path, anchor }) => {
    await access(join(root, path));
    expect(packed).toContain(path);
    if (anchor !== undefined) {
      expect(await anchorsOf(path)).toContain(anchor);
    }
  });
});

async function packedFiles(): Promise<string[]> {
  // Without the build: what it writes is linked from nowhere.
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 10_000_000 });
  const [tarball] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return tarball.files.map(({ path }) => path);
}

/** The links of a page as a browser resolves them: GitHub's beside the page, npm's in the repository. */
async function relativeLinks(page: string) {
  const targets = [...(await markdown(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { page, target, path: path === '' ? page : posix.join(posix.dirname(page), path), anchor };
    });
}

/** What GitHub names the headings of a page by. */
async function anchorsOf(path: string): Promise<string[]> {
  const titles = [...(await markdown(path)).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

async function markdown(path: string): Promise<string> {
  return (await readFile(join(root, path), 'utf8')).replaceAll(/^```[^]*?^```/gm, '');
}
