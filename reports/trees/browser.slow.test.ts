import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium } from '../html/browser.test-helper.ts';
import { goldenGroups, shownTrees } from './made-up.test-helper.ts';
import { treePage } from './page.ts';

const EVIL =
  '</script><script>fail()</script><img src=x onerror=fail()>"\'-with-a-long-name-that-has-no-spaces';

function pages() {
  const questions = shownTrees(goldenGroups());
  const evil = questions.slice(0, 3).map((tree, index) => ({
    ...tree,
    question: `${EVIL}${index}`,
    label: EVIL,
    trajectories: tree.trajectories.map((one) => ({
      ...one,
      turns: one.turns.map((turn) => ({ ...turn, pieces: turn.tokens.map(() => EVIL) })),
    })),
    credits: Object.fromEntries(
      Object.entries(tree.credits).map(([name, credit]) => [`${EVIL}${name}`, credit]),
    ),
  }));
  return {
    'golden.html': treePage({ questions, version: '1.2.3' }),
    'evil.html': treePage({ questions: evil, version: '1.2.3' }),
  };
}

/** Opens the tree of a golden question. */
async function open(page: Page, name: string) {
  const tree = page.locator('details.tree', { hasText: name });
  await tree.locator('summary').first().click();
  return tree;
}

describeInChromium('the trees', pages, (visit) => {
  it.each([
    { name: 'golden.html', width: 1280, dark: false },
    { name: 'golden.html', width: 1280, dark: true },
    { name: 'golden.html', width: 390, dark: false },
    { name: 'golden.html', width: 390, dark: true },
    { name: 'evil.html', width: 390, dark: false },
  ])('$name fits a screen $width wide (dark: $dark), and is silent', async ({ name, width, dark }) => {
    const problems = await visit(
      name,
      async (page) => {
        await page.getByRole('button', { name: 'Open all trees' }).click();
        await page.locator('.tokens b').first().click();
        expect(await page.locator('#pin').isVisible()).toBe(true);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
        const cut = await page.evaluate<number>(
          `[...document.querySelectorAll('main *, header *')].filter((one) => !one.closest('.scroll, pre, svg, select') && one.getBoundingClientRect().right > innerWidth + 1).length`,
        );
        expect(cut).toBe(0);
      },
      { width, dark },
    );
    expect(problems).toEqual([]);
  });

  it('colors by another method, and by entropy, and says with which numbers', async () => {
    await visit('golden.html', async (page) => {
      const tree = await open(page, 'mixed-lengths-1');
      const classes = () =>
        tree
          .locator('.tokens b')
          .evaluateAll((all: unknown) => (all as { className: string }[]).map((one) => one.className));
      await page.locator('#by').selectOption({ label: 'grpo' });
      const grpo = await classes();
      const legend = await page.locator('#high').textContent();
      expect(new Set(grpo).size).toBeGreaterThan(2);
      await page.locator('#by').selectOption({ label: 'ppo' });
      expect(await classes()).not.toEqual(grpo);
      expect(await page.locator('#high').textContent()).not.toBe(legend);
      expect(await tree.locator('output').first().textContent()).toMatch(/^(mean )?[+−]?\d/);
      await page.locator('#by').selectOption({ label: 'entropy' });
      expect((await classes()).every((name) => /^e\d$/.test(name))).toBe(true);
      expect(await page.locator('#low').isVisible()).toBe(false);
      expect(await page.locator('#most').textContent()).toMatch(/\d/);
      // As before, with the colors that the page was written with.
      await page.locator('#by').selectOption({ label: 'grpo' });
      expect(await classes()).toEqual(grpo);
      await page.locator('#by').selectOption({ label: 'vineppo' });
      expect(new Set(await classes())).toEqual(new Set(['u']));
    });
  });

  it('writes the colors that its script would', async () => {
    const classes = async (script: boolean): Promise<readonly string[]> => {
      let found: readonly string[] = [];
      await visit(
        'golden.html',
        async (page) => {
          if (script) await page.getByRole('button', { name: 'Open all trees' }).click();
          // Wait for the last tree to be painted.
          await page.waitForTimeout(300);
          found = await page
            .locator('.tokens b')
            .evaluateAll((all: unknown) => (all as { className: string }[]).map((one) => one.className));
        },
        { script },
      );
      return found;
    };
    expect(await classes(true)).toEqual(await classes(false));
  });

  it('is walked through by arrow keys, and shows what all methods say of a token', async () => {
    await visit('golden.html', async (page) => {
      const tree = await open(page, 'inside-action-forks-0');
      const tokens = tree.locator('.tokens b');
      await tokens.first().focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('#tip').textContent()).toMatch(/^“w\d+” \(id \d+\)\na2tgpo: /);
      await page.keyboard.press('ArrowDown');
      expect(await page.locator('b:focus').count()).toBe(1);
      expect(await tree.locator('b[tabindex="0"]').count()).toBe(1);
      await page.keyboard.press('Enter');
      expect(await page.locator('#pin li').count()).toBe(31);
      expect(await page.locator('#pin').textContent()).toMatch(/entropy \d.*log-probability −\d/);
      await page.keyboard.press('Escape');
      expect(await page.locator('#pin').isVisible()).toBe(false);
      expect(await page.locator('b:focus').count()).toBe(1);
    });
  });

  it('opens the tree of a question whose link is pressed', async () => {
    await visit('golden.html', async (page) => {
      const link = page.locator('#questions tbody a').nth(7);
      const id = (await link.getAttribute('href'))!;
      expect(await page.locator(id).getAttribute('open')).toBeNull();
      await link.click();
      expect(await page.locator(id).getAttribute('open')).not.toBeNull();
    });
  });
});
