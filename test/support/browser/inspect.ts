import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const SHOTS = new URL('../../../.cache/screenshots/', import.meta.url);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: object[];
}

/** Takes a picture of the page, and fails for serious findings of axe and for content wider than the window. */
export async function inspect(page: Page, name: string): Promise<void> {
  await mkdir(SHOTS, { recursive: true });
  await page.screenshot({ path: new URL(`${name}.png`, SHOTS).pathname, fullPage: true });
  // Evaluated by the debugger: the Content-Security-Policy of the page would block a script element.
  if (!(await page.evaluate('"axe" in window'))) {
    await page.evaluate(await readFile(AXE, 'utf8'));
  }
  // Only what the test reads leaves the page: what passes is by far more.
  const violations = (await page.evaluate(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)",
  )) as readonly AxeViolation[];
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect([name, ...serious]).toEqual([name]);
  const overflow = await page.evaluate('Math.max(0, document.documentElement.scrollWidth - innerWidth)');
  expect([name, overflow]).toEqual([name, 0]);
}
