import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layout } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { displayWidth, wrapHelp, wrapText } from './wrap.ts';

const layout = (width: number, rest: Partial<Layout> = {}): Layout => ({
  width,
  ascii: true,
  wide: false,
  ...rest,
});
const widest = (text: string): number => Math.max(...text.split('\n').map(displayWidth));

const COLUMNS: readonly TableColumn[] = [
  { name: 'method', rank: 0 },
  { name: 'score', title: 'score after training', number: true, rank: 0 },
  { name: 'cost', title: 'actions per question', number: true, rank: 2 },
  { name: 'note', rank: 1 },
];
const ROWS = [
  ['grpo', '0.450 ± 0.030', '53.3', ''],
  ['carl', '0.443 ± 0.033', '25.0', 'different data or retrieval: not compared'],
];

describe('a table', () => {
  it('with room for everything has one line per row and leaves nothing out', () => {
    expect(renderTable(COLUMNS, ROWS, layout(120))).toBe(`\
+--------+----------------------+----------------------+-------------------------------------------+
| method | score after training | actions per question | note                                      |
+--------+----------------------+----------------------+-------------------------------------------+
| grpo   |       0.450 +- 0.030 |                 53.3 |                                           |
| carl   |       0.443 +- 0.033 |                 25.0 | different data or retrieval: not compared |
+--------+----------------------+----------------------+-------------------------------------------+`);
  });

  it('with less room wraps titles and texts, then leaves out the lowest rank and says so', () => {
    expect(renderTable(COLUMNS, ROWS, layout(66))).toBe(`\
+--------+----------------+----------+-------------------------+
| method |    score after |  actions | note                    |
|        |       training |      per |                         |
|        |                | question |                         |
+--------+----------------+----------+-------------------------+
| grpo   | 0.450 +- 0.030 |     53.3 |                         |
| carl   | 0.443 +- 0.033 |     25.0 | different data or       |
|        |                |          | retrieval: not compared |
+--------+----------------+----------+-------------------------+`);
    const narrow = renderTable(COLUMNS, ROWS, layout(56));
    expect(narrow).not.toContain('53.3');
    expect(narrow).toContain('\nNot shown: cost. All columns: --wide; chosen ones:\n--columns method,cost');
  });

  it('shows all with --wide, and with --columns what it names, in that order', () => {
    expect(renderTable(COLUMNS, ROWS, layout(Number.POSITIVE_INFINITY, { wide: true }))).toBe(
      renderTable(COLUMNS, ROWS, layout(120)),
    );
    const chosen = renderTable(COLUMNS, ROWS, layout(40, { columns: ['cost', 'method'] }));
    expect(chosen).toMatch(/\| +53\.3 \| grpo +\|/);
    expect(chosen).not.toMatch(/score|Not shown/);
    expect(renderTable(COLUMNS, ROWS, layout(80, { columns: ['p'] }))).toBe('');
  });

  it('hides what says nothing, unless it is named', () => {
    const columns = [{ name: 'environment', hidden: true }, ...COLUMNS];
    const rows = ROWS.map((row) => ['walk/v1', ...row]);
    expect(renderTable(columns, rows, layout(80))).not.toContain('walk/v1');
    expect(renderTable(columns, rows, layout(80, { columns: ['environment'] }))).toContain('walk/v1');
  });

  it('fits any width from 40, keeps every character of what it shows, and has straight borders', () => {
    const word = fc.stringMatching(/^[a-z0-9[\]é漢±/.-]{1,30}$/);
    const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
    const table = fc.integer({ min: 1, max: 6 }).chain((count) =>
      fc.record({
        columns: fc.array(
          fc.record({ title: text, number: fc.boolean(), rank: fc.integer({ min: 0, max: 3 }) }),
          { minLength: count, maxLength: count },
        ),
        rows: fc.array(fc.array(text, { minLength: count, maxLength: count }), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
    );
    fc.assert(
      fc.property(table, fc.integer({ min: 40, max: 130 }), ({ columns, rows }, width) => {
        const named = columns.map((column, index) => ({ name: `c${index}`, ...column }));
        const lines = renderTable(named, rows, layout(width, { ascii: false })).split('\n');
        expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
        const drawn = lines.filter((line) => /^[│┌├└]/.test(line));
        expect(new Set(drawn.map(displayWidth)).size).toBe(1);
        const left =
          /^Not shown: ([^.]*)\./.exec(lines.slice(drawn.length).join(' '))?.[1]?.split(', ') ?? [];
        const texts = (kept: readonly string[]) => [...kept.join('').replaceAll(' ', '')].sort().join('');
        const kept = named.flatMap(({ name, title }, index) =>
          left.includes(name) ? [] : [title, ...rows.map((row) => row[index]!)],
        );
        expect(texts(drawn.map((line) => line.replace(/[│┌├└┬┼┴┐┤┘─]/g, '')))).toBe(texts(kept));
      }),
      { numRuns: 200 },
    );
  });
});

describe('text', () => {
  it('is wrapped between words, indented as before; a long word stays whole', () => {
    expect(wrapText('a bb ccc\n  dd ee ff\n/a/long/path/of/a/file x', 6)).toBe(
      'a bb\nccc\n  dd\n  ee\n  ff\n/a/long/path/of/a/file\nx',
    );
    expect(displayWidth('漢é')).toBe(3);
  });

  it('of help is filled anew where a line is too long; examples can still be copied', () => {
    const help = `
Examples:
  creditbench audit --json                 what is
  creditbench run quick --set training.iterations=60 --seeds 3    several

One line that is quite long and goes on
here. Short.
`;
    expect(wrapHelp(help, 80)).toBe(help);
    const wrapped = wrapHelp(help, 36);
    expect(wrapped).toBe(`
Examples:
  creditbench audit --json
      what is
  creditbench run quick --set \\
      training.iterations=60 \\
      --seeds 3
      several

One line that is quite long and goes
on here. Short.
`);
    expect(widest(wrapped)).toBeLessThanOrEqual(36);
  });
});
