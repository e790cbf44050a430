import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { growTree } from '../../bench/trajectories/grow.ts';
import type { Trajectory } from '../../bench/trajectories/trajectory.ts';
import { contrast } from '../html/sight.test-helper.ts';
import { STYLE } from '../html/style.ts';
import { encode } from './encode.ts';
import type { ShownTree } from './input.ts';
import { goldenGroups, shownTrees } from './made-up.test-helper.ts';
import { treePage } from './page.ts';
import { classOf, scaleOf } from './scale.ts';
import { entropyColor } from './style.ts';

const EVIL = `</script><script>alert(1)</script><!--"'><img src=x onerror=alert(2)>&amp;\u202e`;
const version = '1.2.3';
const golden = shownTrees(goldenGroups(), ['grpo', 'carl', 'ppo', 'vineppo']);
const parsed = (page: string) => parseHTML(page).document;

describe('the page of trees', () => {
  const page = treePage({ questions: golden, version });
  const document = parsed(page);

  it('is the same for the same trees, and needs nothing else', () => {
    expect(treePage({ questions: golden, version })).toBe(page);
    expect(page).not.toMatch(/<(link|img|iframe|object|embed)\b(?![^>]*href="data:,")/);
    expect(page).not.toMatch(/\bsrc=|@import|url\(|https?:/);
    expect(page).toContain(`default-src 'none'`);
  });

  it('has every question, most disagreement first, and every token once', () => {
    const trees = [...document.querySelectorAll('details.tree')];
    expect(trees.length).toBe(50);
    const links = [...document.querySelectorAll('#questions tbody tr')];
    const values = links.map((row) => Number(row.lastElementChild!.textContent));
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(values[0]).toBeGreaterThan(values.at(-1)!);
    const shown = golden.reduce(
      (sum, { grown }) =>
        sum +
        grown.tree.edges.reduce((all, { tokens, shared }) => all + tokens.length - (shared?.tokens ?? 0), 0),
      0,
    );
    expect(document.querySelectorAll('.tokens b').length).toBe(shown);
  });

  it('is colored by the first method without its script', () => {
    const tree = [...document.querySelectorAll('details.tree')].find((one) =>
      one.querySelector('h3')!.textContent!.includes('chains-0'),
    )!;
    const classes = [...tree.querySelectorAll('.tokens b')].map((one) => one.className[0]);
    expect(new Set(classes)).toEqual(new Set(['n', 'p']));
  });

  it('says which methods lack what, in the method’s place', () => {
    expect(document.querySelector('#t0')!.textContent).toMatch(/vineppo lacks rollouts of a later round/);
  });

  it('has methods and numbers for its script', () => {
    const options = [...document.querySelectorAll('#by option')].map((one) => one.textContent);
    expect(options).toEqual(['grpo', 'carl', 'ppo', 'vineppo', 'entropy']);
    const data = JSON.parse(document.querySelector('#numbers')!.textContent!) as {
      trees: readonly { values: readonly (readonly number[] | null)[] }[];
    };
    expect(data.trees.length).toBe(50);
    expect(data.trees[0]!.values.map((values) => values === null)).toEqual([false, false, false, true]);
  });

  it('shows nothing, too', () => {
    expect(treePage({ questions: [], version })).toContain('There is nothing to show.');
  });
});

/** A tree in which everything that can be a text is hostile. */
function hostile(): ShownTree {
  const group = goldenGroups()[40]!.map((one): Trajectory => {
    const turns = one.turns.map((turn) => ({
      ...turn,
      observation: { ...turn.observation, text: EVIL, actions: [EVIL] },
      text: EVIL,
      pieces: turn.tokens.map(() => EVIL),
    }));
    const fork = one.fork === undefined ? {} : { fork: { ...one.fork, of: `${EVIL}${one.fork.of}` } };
    return { ...one, group: EVIL, id: `${EVIL}${one.id}`, question: EVIL, answers: [EVIL], turns, ...fork };
  });
  const [tree] = shownTrees([group], ['grpo']);
  const credits = { [EVIL]: tree!.credits.grpo!, [`${EVIL}2`]: { lacks: EVIL } };
  return { ...tree!, question: EVIL, label: EVIL, credits };
}

it('cannot be driven by names and texts', () => {
  const page = treePage({
    ...{ questions: [hostile()], title: EVIL, lead: EVIL, notes: [EVIL], version: EVIL },
  });
  const document = parsed(page);
  expect(document.querySelectorAll('img').length).toBe(0);
  expect([...document.querySelectorAll('script')].map((script) => script.getAttribute('type'))).toEqual([
    'application/json',
    null,
  ]);
  expect(page.split('alert(1)').length).toBeGreaterThan(20);
  // In the data, too: a script element ends at its first end tag, whatever is in it.
  expect(page.split('</script>').length).toBe(3);
  expect(page).not.toContain('<!--');
  // Marks that reorder text: where tokens and names are shown.
  expect(document.querySelector('#trees')!.textContent).not.toContain('\u202e');
});

/** A page of trees as large as it may get: this many tokens, and credit that differs from token to token. */
function large(methods: number, trees: number): readonly ShownTree[] {
  return Array.from({ length: trees }, (_, place) => {
    const trajectories = Array.from({ length: 8 }, (_, id): Trajectory => {
      const tokens = Array.from({ length: 100 }, (_, t) => 10_000 + t * id);
      const values = tokens.map((token) => Math.sin(token + place));
      const turn = { tokens, logprobs: values, entropies: values, pieces: tokens.map((t) => ` t${t}`) };
      const observation = { text: 'What was read, '.repeat(40) };
      return {
        ...{ format: 'creditbench-trajectory', version: 1, group: `q${place}`, id: String(id) },
        turns: [
          { ...turn, observation },
          { ...turn, observation },
        ],
      };
    });
    const grown = growTree(trajectories, 'none');
    const credits = Object.fromEntries(
      Array.from({ length: methods }, (_, method) => [
        `method-${method}`,
        trajectories.map(({ turns }, id) =>
          turns.map((turn) => Float64Array.from(turn.tokens, (t) => Math.sin(t * method + id + place))),
        ),
      ]),
    );
    return { question: `question ${place}`, grown, trajectories, credits };
  });
}

describe('a page of 31 methods and 50 trees', () => {
  const page = treePage({ questions: large(31, 50), version });

  it('stays under 5 MB, and says what it leaves out', () => {
    expect(page.length).toBeGreaterThan(2e6);
    expect(Buffer.byteLength(page)).toBeLessThan(5e6);
    const document = parsed(page);
    expect(document.querySelectorAll('.tokens b').length).toBe(15_000);
    // 1600 tokens each: 9 trees and a part of one.
    expect(document.querySelectorAll('details.tree').length).toBe(10);
    expect(document.querySelector('#questions')!.textContent).toContain('40 of 50 trees are left out');
    expect(document.querySelector('#t9')!.textContent).toContain(
      '1000 more tokens of this tree are left out',
    );
  });

  it('keeps to other limits', () => {
    const small = treePage({
      ...{ questions: large(2, 5), version, most: { trees: 2, tokens: 100_000, characters: 300 } },
    });
    expect(parsed(small).querySelectorAll('details.tree').length).toBe(2);
    expect(small.split('What was read, ').length).toBeLessThan(25);
    expect(small).toContain('more characters)');
  });
});

it('shows rollouts of which nothing but ids is known', () => {
  const trajectories: Trajectory[] = [0, 1].map((id) => ({
    ...{ format: 'creditbench-trajectory', version: 1, group: 'q', id: String(id) },
    turns: [{ tokens: [7, 8 + id] }],
    reward: id,
  }));
  const document = parsed(treePage({ questions: shownTrees([trajectories], ['grpo', 'carl']), version }));
  expect([...document.querySelectorAll('.tokens b')].map((one) => one.textContent)).toEqual([
    '7',
    '8',
    '7',
    '9',
  ]);
});

describe('the scale', () => {
  it('tells apart what is not trained, 0, and what is nearly 0', () => {
    const scale = scaleOf([-2, 1, 0, Number.NaN]);
    expect(scale).toEqual({ end: 2, isOpen: false });
    expect([Number.NaN, 0, 1e-9, -1e-9, 1, -2, 9].map((value) => classOf(value, scale))).toEqual([
      'u',
      'p0',
      'p1',
      'n1',
      'p4',
      'n8',
      'p8',
    ]);
  });

  it('is not ruled by a few large values', () => {
    expect(scaleOf([...Array.from({ length: 99 }, () => 1), -1000])).toEqual({ end: 1, isOpen: true });
    expect(scaleOf([0, Number.NaN])).toEqual({ end: 1, isOpen: false });
  });

  it('leaves text legible on every step of entropy', () => {
    const inks = [...STYLE.matchAll(/--ink:(#[0-9a-f]{6})/g)].map(([, color]) => color!);
    for (const [index, scheme] of (['light', 'dark'] as const).entries()) {
      for (let step = 0; step <= 8; step++) {
        expect(contrast(entropyColor(step, scheme), inks[index]!)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});

it('writes numbers in the shorter of two ways', () => {
  expect(encode([1, 1, 1, Number.NaN])).toEqual([3, 1, 1, null]);
  expect(encode([0.12345, 2, 3])).toEqual([0, 0.123, 2, 3]);
});
