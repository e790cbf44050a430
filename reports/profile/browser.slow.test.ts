import { expect, it } from 'vitest';
import { EXPERIMENTS } from '../../bench/profile/experiments.ts';
import { madeUpUnits } from '../../bench/profile/made-up.test-helper.ts';
import { withReference } from '../../bench/profile/reference.ts';
import { describeInChromium } from '../html/browser.test-helper.ts';
import { renderProfile } from './page.ts';

const EVIL = '<script>fail()</script>"\'-with-a-long-name-that-has-no-spaces';

function pages() {
  const experiments = EXPERIMENTS.map(({ id }) => id);
  const units = (names: readonly string[]) =>
    madeUpUnits({
      methods: Object.fromEntries(names.map((name, index) => [name, [-0.2 * index, 0.05] as const])),
      experiments,
      seeds: 3,
    });
  const many = Array.from({ length: 11 }, (_, index) => `method-with-a-long-name-${index}`);
  const render = (profile: ReturnType<typeof withReference>) => renderProfile({ profile, version: '1.2.3' });
  return {
    'few.html': render(withReference(units(['grpo', EVIL, 'carl', 'grpo again']), units(['grpo', 'ppo']))),
    'many.html': render(withReference(units(['grpo', ...many]), [])),
  };
}

describeInChromium('the profile', pages, (visit) => {
  it.each([
    { name: 'few.html', width: 1280, dark: false },
    { name: 'few.html', width: 1280, dark: true },
    { name: 'few.html', width: 390, dark: false },
    { name: 'few.html', width: 390, dark: true },
    { name: 'many.html', width: 390, dark: false },
  ])('$name fits a screen $width wide (dark: $dark), and is silent', async ({ name, width, dark }) => {
    const problems = await visit(
      name,
      async (page) => {
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
        // Text must not be cut by the window either; what scrolls by itself may be wider.
        const cut = await page.evaluate<number>(
          `[...document.querySelectorAll('main *, header *')].filter((one) => !one.closest('.scroll, .legend, pre, svg') && one.getBoundingClientRect().right > innerWidth + 1).length`,
        );
        expect(cut).toBe(0);
        // The text of a field is inside it, its mark included.
        const spilled = await page.evaluate<number>(
          `[...document.querySelectorAll('.heat td a')].filter((one) => one.scrollWidth > one.clientWidth).length`,
        );
        expect(spilled).toBe(0);
        // No smaller than 10 pixels, wherever the drawing is scaled to the screen.
        const height = await page.evaluate<number>(
          `Math.min(...[...document.querySelectorAll('.panels svg')].map((one) => 11 * one.getBoundingClientRect().width / one.viewBox.baseVal.width))`,
        );
        expect(height).toBeGreaterThan(10);
      },
      { width, dark },
    );
    expect(problems).toEqual([]);
  });

  it('switches the family of numbers, without the script, too', async () => {
    for (const script of [true, false]) {
      await visit(
        'few.html',
        async (page) => {
          const shown = () => page.locator('.heat:visible').getAttribute('data-heat');
          expect(await shown()).toBe('score');
          await page.getByRole('radio', { name: 'credit' }).check();
          expect(await shown()).toBe('credit');
        },
        { script },
      );
    }
  });

  it('is walked through by arrow keys, and shows the numbers of the field that has the focus', async () => {
    await visit('few.html', async (page) => {
      const table = page.locator('[data-heat=score] table');
      expect(await table.locator('tbody a[tabindex="0"]').count()).toBe(1);
      await table.locator('thead button').last().focus();
      await page.keyboard.press('Tab');
      for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
      const focus = page.locator('[data-heat=score] a:focus');
      const title = await focus.getAttribute('title');
      expect(title).toMatch(/^.* in horizon\nscore /);
      expect(await page.locator('#tip').textContent()).toBe(title);
      await page.keyboard.press('Escape');
      expect(await page.locator('#tip').isVisible()).toBe(false);
      // Sorted, the keys follow what is seen.
      await table.getByRole('button', { name: 'late' }).click();
      await table.locator('tbody tr').first().locator('a').nth(2).focus();
      await page.keyboard.press('ArrowDown');
      const second = await table.locator('tbody tr').nth(1).locator('a').nth(2).getAttribute('title');
      expect(await focus.getAttribute('title')).toBe(second);
    });
  });

  it('opens the page of a method whose field is pressed', async () => {
    await visit('many.html', async (page) => {
      expect(await page.locator('details[open]').count()).toBe(0);
      const field = page.locator('[data-heat=score] tbody tr').nth(2).locator('td a').nth(3);
      const id = (await field.getAttribute('href'))!;
      await field.click();
      expect(await page.locator('details[open]').count()).toBe(1);
      expect(await page.locator(`[id="${id.slice(1)}"]`).isVisible()).toBe(true);
    });
  });

  it('brings out a method that is gray', async () => {
    await visit('many.html', async (page) => {
      const stroke = (line: string) =>
        page.evaluate<string>(`getComputedStyle(document.querySelector('.panels svg ${line}')).stroke`);
      const [gray] = await page
        .locator('.panels svg [class$=-grey]')
        .evaluateAll((lines) =>
          lines.map((line) =>
            (line as unknown as { getAttribute(name: string): string }).getAttribute('class'),
          ),
        );
      const name = gray!.replace('-grey', '');
      const before = await stroke(`[class="${gray}"]`);
      await page.locator(`.legend button[data-mark="${name}"]`).click();
      expect(await page.locator('.panels svg .hot').count()).toBe(EXPERIMENTS.length * 2);
      expect(await stroke(`[class^="${gray}"]`)).not.toBe(before);
    });
  });
});
