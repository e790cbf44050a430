import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../bench/csv.ts';
import { CURVE_COLUMNS } from '../../bench/profile/curves.ts';
import { EXPERIMENTS } from '../../bench/profile/experiments.ts';
import { madeUpUnits } from '../../bench/profile/made-up.test-helper.ts';
import type { ProfiledUnit } from '../../bench/profile/profile.ts';
import { withReference } from '../../bench/profile/reference.ts';
import { PROFILE_COLUMNS } from '../../bench/profile/summary.ts';
import { renderProfile } from './page.ts';

const EVIL = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;`;
const GRPO = [0, 0] as const;
const METHODS = {
  grpo: GRPO,
  better: [0.2, 0.05],
  worse: [-0.7, 0.05],
  same: [0, 0.02],
  noisy: [0.1, 0.9],
  'grpo again': [0, 0.05],
} as const;

const render = (units: readonly ProfiledUnit[], reference: readonly ProfiledUnit[] = []): string =>
  renderProfile({ profile: withReference(units, reference), version: '1.2.3' });
const parse = (page: string) => parseHTML(page).document;
const texts = (nodes: Iterable<{ readonly textContent: string | null }>): readonly string[] =>
  [...nodes].map(({ textContent }) => (textContent ?? '').replace(/\s+/g, ' ').trim());

describe('the page of a profile', () => {
  const units = madeUpUnits({ methods: METHODS });
  const page = render(units);
  const document = parse(page);
  const fields = (family: 'score' | 'credit') => [
    ...document.querySelectorAll(`[data-heat=${family}] tbody td a`),
  ];

  it('is the same for the same units, and needs nothing else', () => {
    expect(render(units)).toBe(page);
    expect(page).not.toMatch(/<(link|img|iframe|object|embed)\b(?![^>]*href="data:,")/);
    expect(page).not.toMatch(/\bsrc=|@import|url\(|https?:/);
    expect(page).toContain(`default-src 'none'`);
  });

  it('has a field per method and experiment and a mean, in both families', () => {
    for (const family of ['score', 'credit'] as const) {
      expect(fields(family)).toHaveLength(6 * (2 + 1));
      expect(texts(document.querySelectorAll(`[data-heat=${family}] thead button`))).toEqual([
        'method',
        'mean',
        'late',
        'noise',
      ]);
    }
    const rows = texts(document.querySelectorAll('[data-heat=score] tbody th'));
    expect(rows.map((row) => row.replace(/ (baseline|check)$/, ''))).toEqual(
      expect.arrayContaining(Object.keys(METHODS)),
    );
    const means = texts(document.querySelectorAll('[data-heat=score] tbody td:nth-child(2)')).map((text) =>
      Number(text.replace('−', '-')),
    );
    expect(means).toEqual(means.toSorted((a, b) => b - a));
    expect(means[0]).toBeGreaterThan(means.at(-1)!);
  });

  it('marks what is told apart, for eyes and for screen readers, and nothing else', () => {
    const marks = texts(fields('score')).filter((text) => /[▲▼]/.test(text));
    expect(marks.filter((text) => text.endsWith('▲ above GRPO'))).toHaveLength(2);
    expect(marks.filter((text) => text.endsWith('▼ below GRPO'))).toHaveLength(2);
    expect(marks).toHaveLength(4);
    expect(texts(fields('credit')).join()).not.toMatch(/[▲▼]/);
  });

  it('has the interval and all numbers of a field on hover', () => {
    const title = (family: 'score' | 'credit', begins: string) =>
      fields(family)
        .map((field) => field.getAttribute('title') ?? '')
        .find((text) => text.startsWith(begins));
    expect(title('score', 'better in late')).toMatch(
      /^better in late\nscore 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(t, 5 seeds\)\nminus GRPO’s 0\.\d{3} \[.*\] \(t, 5 seeds\)\np < 0\.001, after Holm < 0\.001\ntold apart: above GRPO$/,
    );
    expect(title('score', 'grpo in late')?.split('\n')).toHaveLength(2);
    expect(title('score', 'better, mean')).toMatch(/: 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(t, 5 seeds\)$/);
    expect(title('credit', 'better in late')).toMatch(
      /^better in late\nrank correlation 0\.4\d\d \[.*\] \(t, 5 seeds\)\nsign errors 0\.250 .*\nleakage 0\.750 .*$/,
    );
    for (const field of fields('score')) expect(field.getAttribute('title')).toContain('[');
  });

  it('leads from every field to its numbers', () => {
    for (const link of document.querySelectorAll('.heat tbody a')) {
      const id = link.getAttribute('href')!.slice(1);
      expect(document.querySelectorAll(`[id="${id}"]`), id).toHaveLength(1);
    }
    const link = fields('score').find((one) => one.getAttribute('title')?.startsWith('worse in noise'))!;
    const row = document.getElementById(link.getAttribute('href')!.slice(1))!;
    expect(texts([row])[0]).toMatch(/^noise ?▼ weak/);
    expect(texts([row.closest('details')!.querySelector('h3')!])).toEqual(['worse']);
  });

  it('draws a panel per experiment with a line and a band per method', () => {
    const panels = [...document.querySelectorAll('.panels svg')];
    expect(panels).toHaveLength(2);
    for (const panel of panels) {
      expect(panel.querySelectorAll('[class$=-band]')).toHaveLength(6);
      expect(panel.querySelectorAll('circle')).toHaveLength(6 * 3);
    }
    const late = EXPERIMENTS.find(({ id }) => id === 'late')!;
    expect(texts([panels[0]!])[0]).toContain(late.knob.name);
  });

  it('says per method what it is strong, weak and indifferent at, and how many seeds the rest takes', () => {
    const pages = new Map(
      [...document.querySelectorAll('details.method')].map((one) => [
        texts([one.querySelector('h3')!])[0],
        one,
      ]),
    );
    const verdicts = (name: string) => texts(pages.get(name)!.querySelectorAll('.verdicts li'));
    expect(verdicts('better')).toEqual([
      expect.stringMatching(/^Strong at: (late|noise) \+0\.2\d, (late|noise) \+0\.(19|2\d)$/),
      'Weak at: none',
      'Indifferent to: none',
      'Undecided: none',
    ]);
    expect(verdicts('worse')[1]).toMatch(/^Weak at: .* −0\.\d\d, .* −0\.\d\d$/);
    expect(verdicts('same')[2]).toMatch(/^Indifferent to: (late|noise) .*(late|noise)/);
    expect(verdicts('noisy')[3]).toMatch(/^Undecided: (late|noise) /);
    expect(verdicts('grpo')).toEqual([]);
    expect(texts(pages.get('grpo again')!.querySelectorAll('p'))[0]).toContain('false alarm');
    const row = pages.get('noisy')!.querySelector('tbody tr')!;
    const cells = texts(row.children);
    expect(cells.slice(0, 2)).toEqual([expect.stringMatching(/late|noise/), 'undecided']);
    expect(cells[4]).toMatch(/^\d+ ?up to \d+$/);
    expect(cells.slice(-2)).toEqual(['0.2', '25 %']);
    expect(row.querySelector('[title^="tuning score"]')!.getAttribute('title')).toContain('0.1: 0.500');
  });

  it('says first what was compared and found, and that GRPO is not told apart from itself', () => {
    const said = texts(document.querySelectorAll('.summary li')).join('\n');
    expect(said).toContain('6 methods in 2 experiments with 5 seeds each.');
    expect(said).toContain('better: above GRPO in 2 of 2 experiments');
    expect(said).toContain('worse: below GRPO in 2 of 2 experiments');
    expect(said).toContain('counts 10 comparisons');
    expect(said).toContain('is marked nowhere');
    expect(document.querySelectorAll('.alarm')).toHaveLength(0);
    const alarm = parse(render(madeUpUnits({ methods: { grpo: GRPO, 'grpo again': [0.2, 0.01] } })));
    expect(texts(alarm.querySelectorAll('.alarm')).join()).toContain('marked 2 times: a false alarm');
  });

  it('has the numbers one click away', () => {
    const links = [...page.matchAll(/download="([^"]+)" href="data:text\/csv;charset=utf-8,([^"]*)"/g)];
    const rows = (name: string, columns: typeof PROFILE_COLUMNS | typeof CURVE_COLUMNS) =>
      parseCsv(columns, decodeURIComponent(links.find(([, one]) => one === name)![2]!));
    expect(rows('profile.csv', PROFILE_COLUMNS)).toHaveLength(6 * 2);
    expect(rows('curves.csv', CURVE_COLUMNS)).toHaveLength(6 * 2 * 3);
  });

  it('escapes names', () => {
    const evil = parse(render(madeUpUnits({ methods: { grpo: GRPO, [EVIL]: [0.2, 0.01] } })));
    expect(evil.querySelectorAll('script')).toHaveLength(1);
    expect(evil.querySelectorAll('img')).toHaveLength(0);
    expect(texts(evil.querySelectorAll('details.method h3'))).toContain(EVIL);
    const titles = [...evil.querySelectorAll('.heat [title]')].map((one) => one.getAttribute('title'));
    expect(titles.filter((title) => title?.startsWith(`${EVIL} in late\n`))).toHaveLength(2);
    expect(texts(evil.querySelectorAll('.panels title'))).toContain(EVIL.replace(/\s+/g, ' '));
  });
});

describe('few and many', () => {
  it('shows nothing of nothing', () => {
    const document = parse(render([]));
    expect(texts(document.querySelectorAll('.empty'))).toEqual(['Nothing was measured.']);
    expect(document.querySelectorAll('section')).toHaveLength(0);
  });

  it('shows GRPO alone, in one experiment: no mean, no marks, no tests', () => {
    const page = render(madeUpUnits({ methods: { grpo: GRPO }, experiments: ['late'] }));
    const document = parse(page);
    expect(document.querySelectorAll('[data-heat=score] tbody td a')).toHaveLength(1);
    expect(texts(document.querySelectorAll('[data-heat=score] thead button'))).toEqual(['method', 'late']);
    expect(document.querySelectorAll('.heat i')).toHaveLength(0);
    expect(page).toContain('nothing to compare GRPO with');
    expect(page).toContain('Nothing is tested.');
    expect(document.querySelectorAll('.verdicts')).toHaveLength(0);
  });

  it('bears an experiment that the code does not have, and credit that is not defined', () => {
    const document = parse(
      render(madeUpUnits({ methods: { grpo: GRPO, blind: [0, 0.01] }, experiments: ['gone'], levels: [1] })),
    );
    expect(texts(document.querySelectorAll('.panels h4'))).toEqual(['gone']);
    expect(texts(document.querySelectorAll('[data-heat=credit] tbody td'))).toContain('–');
    expect(document.querySelector('[data-heat=credit] [title*="not defined"]')).not.toBeNull();
  });

  it('of many methods colors eight, GRPO among them, and closes their pages', () => {
    const names = Array.from({ length: 11 }, (_, index) => [`m${index}`, [0.01 * index, 0.01]] as const);
    const document = parse(
      render(
        madeUpUnits({ methods: { grpo: [-0.1, 0], ...Object.fromEntries(names) }, experiments: ['late'] }),
      ),
    );
    const panel = document.querySelector('.panels svg')!;
    expect(panel.querySelectorAll('[class$=-band]')).toHaveLength(8);
    expect(panel.querySelectorAll('[class$=-grey]')).toHaveLength(4);
    expect(panel.querySelectorAll('[class$=-quiet]')).toHaveLength(4);
    const gray = texts(panel.querySelectorAll('[class$=-grey] title'));
    expect(gray.toSorted()).toEqual(['m0', 'm1', 'm2', 'm3']);
    expect(document.querySelectorAll('details[open]')).toHaveLength(0);
  });
});

describe('reference scores', () => {
  const own = madeUpUnits({ methods: { grpo: GRPO, mine: [0.2, 0.01] } });
  const shipped = madeUpUnits({ methods: { grpo: GRPO, carl: [-0.7, 0.01], ppo: [0.3, 0.01] } });
  const page = render(own, shipped);
  const document = parse(page);

  it('stand in the same tables, tagged, gray and without marks', () => {
    expect(document.querySelectorAll('[data-heat=score] tbody td a')).toHaveLength(4 * 3);
    const heads = texts(document.querySelectorAll('[data-heat=score] tbody th'));
    expect(heads.filter((head) => head.endsWith(' reference')).toSorted()).toEqual([
      'carl reference',
      'ppo reference',
    ]);
    // Two marks: of the method that was asked for.
    expect(document.querySelectorAll('[data-heat=score] i')).toHaveLength(2);
    expect(page).toContain('counts 2 comparisons');
    expect(document.querySelectorAll('.panels svg:first-of-type [class$=-grey]')).toHaveLength(2 * 2);
    expect(page).toContain('2 methods tagged “reference” are not of this run');
    expect(document.querySelector('[title*="reference: not tested"]')).not.toBeNull();
  });

  it('says what was left out, and why', () => {
    const quick = madeUpUnits({ methods: { grpo: GRPO }, levels: [8, 32] });
    const said = texts(parse(render(quick, shipped)).querySelectorAll('.summary li')).join('\n');
    expect(said).toContain('Left out in 2 experiments, because their levels are not those of this run');
    expect(said).toContain(': carl and ppo.');
    expect(said).not.toContain('tagged');
    const late = shipped.filter(({ algorithm, experiment }) => algorithm !== 'ppo' || experiment === 'late');
    const part = parse(render(own, late));
    // ppo is not in noise: no mean, and a field that says so.
    expect(part.querySelectorAll('[data-heat=score] span[title*="no reference scores"]')).toHaveLength(1);
    const last = texts(part.querySelectorAll('[data-heat=score] tbody tr')).at(-1)!;
    expect(last).toMatch(/^ppo reference ?– ?0\.9\d ?–$/);
  });

  it('warns of a reference of other code', () => {
    const other = madeUpUnits({ methods: { grpo: [0.1, 0], carl: [0, 0] } });
    expect(render(own, other)).toContain('do not compare the reference with this run');
  });
});
