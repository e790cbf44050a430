import { expect, it } from 'vitest';
import { createReport } from '../report.ts';
import { describeInChromium } from './browser.test-helper.ts';
import { madeUpSources } from './made-up.test-helper.ts';

const FOUR = ['grpo', 'rloo', '<script>fail()</script>"\'', 'carl'];

function pages() {
  const many = ['grpo', ...Array.from({ length: 29 }, (_, index) => `method-with-a-long-name-${index}`)];
  return {
    'few.html': createReport(madeUpSources({ algorithms: FOUR, environments: ['walk/v1', 'maze/v1'] })),
    'many.html': createReport(madeUpSources({ algorithms: many })),
    'bad.html': '<script>console.error("oops"); fetch("http://127.0.0.1:9/x").catch(() => {})</script>',
  };
}

describeInChromium('the report', pages, (visit) => {
  it('shows every chart with the right number of series, and is silent', async () => {
    const problems = await visit('few.html', async (page) => {
      expect(await page.locator('#curves svg[role=img]:visible').count()).toBe(2 * 2);
      const first = page.locator('#curves svg[role=img]:visible').first();
      expect(await first.locator('[class$=-band]').count()).toBe(4);
      expect(await first.locator('[class$=-seeds] path').count()).toBe(4 * 3);
      expect(await page.locator('#scores svg[role=img]:visible').count()).toBe(2);
      expect(await page.locator('#costs svg[role=img]:visible').count()).toBe(2 * 4);
      expect(await page.locator('.legend button').count()).toBe(4);
    });
    // The icon is a data address inside the page.
    expect(problems.filter((problem) => !problem.startsWith('request: data:,'))).toEqual([]);
  });

  it('would notice a complaint and a request', async () => {
    const problems = await visit('bad.html', async (page) => {
      await page.waitForTimeout(50);
    });
    expect(problems).toContain('console: oops');
    expect(problems.some((problem) => problem.startsWith('request: http:'))).toBe(true);
  });

  it('switches the axis, by mouse and by keyboard', async () => {
    await visit('few.html', async (page) => {
      const label = () => page.locator('#curves svg[role=img]:visible').first().getAttribute('aria-label');
      expect(await label()).toContain('against iterations');
      await page.locator('#curves').getByRole('radio', { name: 'update actions' }).check();
      expect(await label()).toContain('against update actions');
      await page.keyboard.press('ArrowRight');
      expect(await label()).toContain('against seconds');
      expect(await page.locator('#curves svg[role=img]:visible').count()).toBe(2 * 2);
    });
  });

  it('sorts tables by buttons: numbers as numbers, and back again', async () => {
    await visit('few.html', async (page) => {
      const table = page.locator('#scores table');
      const head = table.locator('thead th').filter({ hasText: 'update actions' });
      const column = await head.evaluate((cell: unknown) => (cell as { cellIndex: number }).cellIndex);
      const values = async (): Promise<number[]> => {
        const texts = await table.locator(`tbody tr > :nth-child(${column + 1})`).allTextContents();
        return texts.map((text) => Number.parseFloat(text));
      };
      const sorted = (await values()).toSorted((a, b) => a - b);
      await head.getByRole('button').focus();
      await page.keyboard.press('Enter');
      expect(await head.getAttribute('aria-sort')).toBe('ascending');
      expect(await values()).toEqual(sorted);
      await page.keyboard.press('Enter');
      expect(await head.getAttribute('aria-sort')).toBe('descending');
      expect(await values()).toEqual(sorted.toReversed());
    });
  });

  it('highlights an algorithm and shows the numbers under the pointer', async () => {
    await visit('few.html', async (page) => {
      const button = page.locator('.legend button').nth(3);
      await button.click();
      expect(await button.getAttribute('aria-pressed')).toBe('true');
      expect(await page.locator('#curves .hot:not([class^=a3])').count()).toBe(0);
      expect(await page.locator('#curves .hot').count()).toBeGreaterThan(0);
      await button.click();
      expect(await page.locator('.hot').count()).toBe(0);
      await page.locator('#scores svg[role=img] g.a2 circle').last().hover();
      expect(await page.locator('#tip').textContent()).toMatch(
        /^<script>fail\(\)<\/script>"'\s+dev F1 0\.\d+ \[/,
      );
    });
  });

  it('saves the numbers of a figure as CSV', async () => {
    await visit('few.html', async (page) => {
      const waiting = page.waitForEvent('download');
      await page.locator('#scores a.csv').first().click();
      expect((await waiting).suggestedFilename()).toBe('scores-walk-v1.csv');
    });
  });

  it.each([
    { name: 'few.html', width: 1280, dark: false },
    { name: 'few.html', width: 390, dark: true },
    { name: 'many.html', width: 390, dark: false },
  ])('$name fits a screen $width wide (dark: $dark)', async ({ name, width, dark }) => {
    await visit(
      name,
      async (page) => {
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
        // Text must not be cut by the window either; what scrolls by itself may be wider.
        const cut = await page.evaluate<number>(
          `[...document.querySelectorAll('main *, header *')].filter((one) => !one.closest('.scroll, .legend, pre, svg') && one.getBoundingClientRect().right > innerWidth + 1).length`,
        );
        expect(cut).toBe(0);
        const color = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        expect(color).toBe(dark ? 'rgb(22, 24, 29)' : 'rgb(255, 255, 255)');
      },
      { width, dark },
    );
  });

  it('at 390 pixels tables that scroll say so, and the text of charts is at least 10 pixels high', async () => {
    await visit(
      'few.html',
      async (page) => {
        const hints = await page.evaluate<readonly [boolean, boolean][]>(
          `[...document.querySelectorAll('.scroll')].filter((one) => one.offsetParent !== null).map((one) =>
            [one.scrollWidth > one.clientWidth + 1, getComputedStyle(one, '::before').content.includes('scroll')])`,
        );
        expect(hints.length).toBeGreaterThan(2);
        expect(hints.some(([scrolls]) => scrolls)).toBe(true);
        for (const [scrolls, says] of hints) expect(says).toBe(scrolls);
        const heights = await page.evaluate<readonly number[]>(
          `[...document.querySelectorAll('svg[role=img]')].filter((one) => one.getBoundingClientRect().width > 0).flatMap((one) =>
            [...one.querySelectorAll('text')].filter((text) => text.textContent !== '').map((text) =>
              parseFloat(getComputedStyle(text).fontSize) * one.getBoundingClientRect().width / one.viewBox.baseVal.width))`,
        );
        expect(heights.length).toBeGreaterThan(50);
        expect(Math.min(...heights)).toBeGreaterThanOrEqual(10);
      },
      { width: 390 },
    );
  });

  it('works without the script', async () => {
    await visit(
      'few.html',
      async (page) => {
        await page.getByRole('radio', { name: 'seconds' }).check();
        expect(
          await page.locator('#curves svg[role=img]:visible').first().getAttribute('aria-label'),
        ).toContain('against seconds');
      },
      { script: false },
    );
  });
});
