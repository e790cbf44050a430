import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Debian's package chromium. */
const CHROMIUM = '/usr/bin/chromium';

/**
 * Opens a page in Chromium, lets `use` work with it, and returns everything it complained about or asked the network for.
 * By default 1280 wide, light, with its script.
 */
export type Visit = (
  name: string,
  use: (page: Page) => Promise<void>,
  options?: { readonly width?: number; readonly dark?: boolean; readonly script?: boolean },
) => Promise<readonly string[]>;

/**
 * Tests of pages in Chromium: skipped where it is not installed, but not in CI.
 * @param what stands in the message. @param pagesOf the pages by name, made once.
 */
export function describeInChromium(
  what: string,
  pagesOf: () => Readonly<Record<string, string>>,
  tests: (visit: Visit) => void,
): void {
  const isThere = existsSync(CHROMIUM);
  if (!isThere) process.stderr.write(`SKIPPED: ${what} in a browser, ${CHROMIUM} is not installed\n`);
  it('has its browser in CI', () => {
    expect(isThere || process.env.CI === undefined).toBe(true);
  });
  describe.skipIf(!isThere)(`${what} in Chromium`, () => {
    let folder: string;
    let browser: Browser;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'creditbench-browser-'));
      for (const [name, html] of Object.entries(pagesOf())) await writeFile(join(folder, name), html);
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
      // A browser on a busy machine takes its time to start.
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true });
    });
    tests(async (name, use, { width = 1280, dark = false, script = true } = {}) => {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: dark ? 'dark' : 'light',
        javaScriptEnabled: script,
      });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('console', (message) => problems.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
      page.on('request', (request) => {
        if (!/^(file:|data:,$)/.test(request.url())) problems.push(`request: ${request.url().slice(0, 80)}`);
      });
      try {
        await page.goto(`file://${join(folder, name)}`);
        await use(page);
      } finally {
        await context.close();
      }
      return problems;
    });
  });
}
