import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../bench/csv.ts';
import { PAIRWISE_COLUMNS } from '../columns.ts';
import { createReport } from '../report.ts';
import type { ReportCell } from '../sources.ts';
import { madeUpSources } from './made-up.test-helper.ts';

const FOUR = ['grpo', 'rloo', 'carl-lite', 'carl'];
const EVIL = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;`;

const section = (page: string, id: string): string =>
  new RegExp(`<section id="${id}">.*?</section>`, 's').exec(page)?.[0] ?? '';
const count = (text: string, what: string | RegExp): number => text.split(what).length - 1;
const without = (cell: ReportCell, status: 'failed' | 'missing'): ReportCell => ({
  ...cell,
  status,
  metrics: [],
  timings: [],
  fingerprint: undefined,
  error: status === 'failed' ? 'out of <memory>' : undefined,
});
const changed = (cell: ReportCell, change: (row: ReportCell['metrics'][number]) => object): ReportCell => ({
  ...cell,
  metrics: cell.metrics.map((row) => ({ ...row, ...change(row) })),
});

describe('the page', () => {
  const page = createReport(madeUpSources({ algorithms: FOUR, environments: ['walk/v1', 'maze/v1'] }));

  it('is the same for the same results', () => {
    expect(createReport(madeUpSources({ algorithms: FOUR, environments: ['walk/v1', 'maze/v1'] }))).toBe(
      page,
    );
  });

  it('needs nothing else', () => {
    expect(page).not.toMatch(/<(link|img|iframe|object|embed)\b(?![^>]*href="data:,")/);
    expect(page).not.toMatch(/\bsrc=|@import|url\(|https?:/);
    expect(page).toContain(`default-src 'none'`);
  });

  it('has every chart, with every algorithm in it', () => {
    // Two metrics against five currencies in each of two environments.
    const curves = section(page, 'curves');
    expect(count(curves, '<svg role="img"')).toBe(2 * 2 * 5);
    for (const place of FOUR.keys()) expect(count(curves, `class="a${place}-band"`)).toBe(2 * 2 * 5);
    // Three kinds of bars and F1 against four costs.
    expect(count(section(page, 'costs'), '<svg role="img"')).toBe(2 * (3 + 4));
    expect(count(section(page, 'scores'), '<svg role="img"')).toBe(2);
    // Differences, probability of improvement, profile.
    expect(count(section(page, 'differences'), '<svg role="img"')).toBe(2 * 3);
  });

  it('has the numbers of a figure one click away', () => {
    const links = [...page.matchAll(/download="([^"]+)" href="data:text\/csv;charset=utf-8,([^"]*)"/g)];
    expect(count(page, '<figure')).toBe(2 * 5);
    expect(links.length).toBeGreaterThanOrEqual(2 * 5);
    const pairs = links.find(([, name]) => name === 'differences-walk-v1.csv')!;
    const rows = parseCsv(PAIRWISE_COLUMNS, decodeURIComponent(pairs[2]!));
    expect(rows.map(({ algorithm, baseline, pairs }) => [algorithm, baseline, pairs])).toEqual(
      FOUR.slice(1).map((name) => [name, 'grpo', 3]),
    );
  });

  it('says first what was compared, found, how sure that is and what failed', () => {
    const [compared, found, sure, failed] = page
      .split('<div class="summary"')[1]!
      .split('</div>')[0]!
      .split('<section')
      .slice(1);
    expect(compared).toContain(
      '4 algorithms (grpo, rloo, carl-lite, carl) in 2 environments (walk/v1, maze/v1)',
    );
    expect(found).toMatch(/<b>walk\/v1<\/b>: dev F1 goes from 0\.\d+ to between 0\.\d+ \(.*\) and 0\.\d+/);
    expect(found).toContain('75 % fewer update actions (carl)');
    expect(sure).toContain('95 % intervals (Student’s t)');
    expect(sure).toContain('adjusted by Holm for 6 comparisons');
    expect(failed).toContain('Nothing: all 24 cells finished.');
  });

  it('names what ratios of costs are to: GRPO, whatever scores are compared with', () => {
    const other = createReport(madeUpSources({ algorithms: FOUR }), { baseline: 'rloo' });
    expect(section(other, 'differences')).toContain('Against rloo in walk/v1');
    expect(section(other, 'costs')).toContain('ratios are to grpo');
    expect(other).not.toMatch(/ratios are to rloo|× the baseline|ratio to the baseline|than the baseline\./);
    expect(other).toContain('75 % fewer update actions (carl) than grpo.');
  });

  it('fills the checklist from the run and admits what is not recorded', () => {
    const checklist = section(page, 'checklist');
    expect(count(checklist, '<th scope="row">')).toBe(14);
    expect(checklist).toContain('grpo: trajectory');
    expect(checklist).toContain('none: backend wasm computes on the CPU');
    expect(checklist).toMatch(
      /distribution of lengths<\/th><td>no<\/td><td class="wide"><span class="unknown">not recorded/,
    );
  });

  it('puts published figures beside ours without touching either', () => {
    const paper = section(page, 'paper');
    expect(paper).toContain('80.9');
    expect(paper).toMatch(/30\.5<small>actions\/question<\/small>/);
    // The made-up suite does not record CARL's options: nothing is taken for the published variant.
    expect(paper).not.toMatch(/carl-lite in walk\/v1/);
    expect(paper).toContain('grpo in walk/v1');
    // What this run can fill comes first; the rest is folded.
    const [filled, folded] = paper.split('<details>');
    expect(count(filled!, '<tr>')).toBe(
      1 + count(filled!, 'grpo in walk/v1') + count(filled!, 'grpo in maze/v1'),
    );
    expect(filled).not.toMatch(/not run|nothing here measures this/);
    expect(folded).toMatch(/published figures without one of ours.*not run/s);
    expect(folded).not.toContain('grpo in walk/v1');
  });

  it('says of no panel that it is left or right: on narrow screens it is neither', () => {
    for (const [, caption] of page.matchAll(/<figcaption>(.*?)<\/figcaption>/gs))
      expect(caption!.replace(/<[^>]*>/g, '')).not.toMatch(/\b(left|right)\b/i);
  });
});

it('shows of an audit the size of a bias beside the verdict, and tells zero from wrong', () => {
  const audit = (algorithm: string, gradient_verdict: string, rest: object) => ({
    environment: 'walk/v1',
    algorithm,
    method: 'exact',
    gradient_verdict,
    gradient_flipped: 0,
    ...rest,
  });
  const component = (algorithm: string, component: string, ratio: number) => ({
    environment: 'walk/v1',
    algorithm,
    quantity: 'gradient',
    component,
    ratio,
  });
  const page = createReport({
    ...madeUpSources({ algorithms: ['grpo'] }),
    audits: [
      {
        folder: 'audit',
        audits: [
          audit('grpo', 'biased', { gradient_flipped: 1, cosine: 0.953, direction_error: 0.604 }),
          audit('random', 'zero', { cosine: null, direction_error: 1 }),
        ],
        components: [
          component('grpo', 'a', -4.41),
          component('grpo', 'b', 1.85),
          component('random', 'a', 0),
          component('random', 'b', 0),
        ],
      },
    ],
  });
  const table = /<caption>Bias of the gradient.*?<\/table>/s.exec(section(page, 'audit'))![0];
  const [, biased, zero] = [...table.matchAll(/<tr>.*?<\/tr>/gs)].map(([row]) =>
    row.replace(/<[^>]*>/g, '|'),
  );
  expect(biased).toMatch(
    /✗ biased\|+1 flipped\|+ratio −4\.41 to 1\.85\|+direction error 0\.60\|+cosine 0\.95/,
  );
  expect(zero).toMatch(/∅ zero\|+ratio 0\.00\|+direction error 1\.00\|+$/);
  expect(table).toContain('<span class="zero">');
});

it('escapes names from files, everywhere', () => {
  const page = createReport(madeUpSources({ algorithms: ['grpo', EVIL], environments: [EVIL] }));
  expect(count(page, '<script>')).toBe(1);
  expect(page).not.toMatch(/<img|onerror=alert\(2\)>(?!&)/);
  expect(count(page, '&lt;script&gt;')).toBeGreaterThan(10);
  // The check sees what it should: unescaped, the name would have counted.
  expect(count(page.replaceAll('&lt;', '<').replaceAll('&gt;', '>'), '<script>')).toBeGreaterThan(10);
});

describe('odd results', () => {
  it('one seed: numbers without intervals, and it says so', () => {
    const page = createReport(madeUpSources({ algorithms: FOUR, seeds: 1 }));
    expect(page).toContain('No difference was tested.');
    expect(page).toContain('1 finished seed in the smallest group');
    expect(section(page, 'curves')).not.toContain('-band"');
    expect(section(page, 'scores')).toContain('no interval');
  });

  it('one algorithm: nothing to compare', () => {
    const page = createReport(madeUpSources({ algorithms: ['grpo'] }));
    expect(section(page, 'differences')).toContain('nothing to compare');
    expect(section(page, 'curves')).toContain('<svg role="img"');
  });

  it('all cells failed: no chart, every failure with its reason', () => {
    const sources = madeUpSources({ algorithms: FOUR, change: (cell) => without(cell, 'failed') });
    const page = createReport(sources);
    expect(page).toContain('Nothing: no cell finished.');
    expect(page).toContain('12 cells of 12 failed');
    expect(count(page, '<svg role="img"')).toBe(0);
    expect(count(section(page, 'failures'), 'out of &lt;memory&gt;')).toBe(12);
  });

  it('some failed, some not run: counted, listed, in no mean', () => {
    const sources = madeUpSources({
      algorithms: FOUR,
      change: (cell, index) => (index < 2 ? without(cell, index === 0 ? 'failed' : 'missing') : cell),
    });
    const page = createReport(sources);
    expect(page).toContain('1 cell of 12 failed (grpo)');
    expect(page).toContain('1 cell of 12 were not run (grpo)');
    expect(section(page, 'scores')).toMatch(
      /1<small class="bad">1 failed<\/small><small class="bad">1 not run/,
    );
  });

  it('NaN in a metric: no mean is made up', () => {
    const sources = madeUpSources({
      algorithms: FOUR,
      change: (cell, index) =>
        index === 0 ? changed(cell, (row) => (row.iteration === 4 ? { dev_f1: Number.NaN } : {})) : cell,
    });
    const page = createReport(sources);
    expect(page).toContain('1 finished seed ended without a number as score (grpo)');
    expect(section(page, 'scores')).toContain('not a number');
    expect(section(page, 'failures')).toContain('diverged');
    expect(page).not.toMatch(/ d="[^"]*NaN/);
  });

  it('metrics that are not there: said, not drawn', () => {
    const sources = madeUpSources({
      algorithms: FOUR,
      change: (cell) => ({
        ...changed(cell, () => ({ action_entropy: null, update_actions: null })),
        timings: [],
      }),
    });
    const curves = section(createReport(sources), 'curves');
    expect(curves).toContain('not recorded in any finished cell');
    expect(curves).toContain('seconds were not recorded');
    expect(curves).toContain('update actions were not recorded');
    expect(count(curves, '<svg role="img"')).toBe(3);
  });

  it('two retrieval indexes: refused with what differs, and marked where that was allowed', () => {
    const sources = madeUpSources({
      algorithms: ['grpo', 'rloo'],
      change: (cell) =>
        cell.algorithm === 'rloo' ? { ...cell, fingerprint: 'other', options: { topK: 5 } } : cell,
    });
    expect(() => createReport(sources)).toThrow(/different data or retrieval .* topK absent and 5/);
    expect(createReport(sources, { allowMixed: true })).toContain('these scores are of different tasks');
  });

  it('many algorithms: bands wait for the highlight, looks differ', () => {
    const names = ['grpo', ...Array.from({ length: 29 }, (_, index) => `method-${index}`)];
    const page = createReport(madeUpSources({ algorithms: names }));
    expect(page).toContain('<html lang="en" class="many">');
    expect(count(page, 'aria-pressed="false"')).toBe(30);
  });
});
