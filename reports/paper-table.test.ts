import { expect, it } from 'vitest';
import { analyze } from './analysis.ts';
import { madeCells, withoutResult } from './cells.test-helper.ts';
import { latexTable } from './latex-table.ts';
import { markdownTable } from './paper-table.ts';

const EVIL = '[x](y)|<b>_1_&%#$\\ = \n{';
const analysis = analyze([
  ...madeCells('grpo', [0.4, 0.5, 0.45]),
  ...madeCells('carl', [0.5, 0.55, 0.6]),
  withoutResult('carl', 3, 'failed'),
  ...madeCells(EVIL, [0.4, 0.4, 0.5]),
]);

it('has a row per algorithm with intervals, differences and costs, and says how they were made', () => {
  const lines = markdownTable(analysis).split('\n');
  expect(lines[0]).toMatch(/^\| Environment \| Algorithm \| Seeds \| Dev F1 \|/);
  const columns = lines[0]!.split('|').length;
  for (const line of lines.slice(1, 5)) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(columns);
  expect(lines[3]).toContain(
    '| walk/v1 | carl | 3 (1 failed) | 0.550 [0.426, 0.674] | 0.550 | +0.300 [+0.176, +0.424] | 0.275 | +0.100 [−0.024, +0.224] |',
  );
  expect(lines[3]).toContain('| 5.0 (1.00×) |');
  const notes = lines.slice(6).join('\n');
  expect(notes).toContain("Student's t below 10 seeds");
  expect(notes).not.toContain('BCa');
  expect(notes).toContain('adjusted by Holm for 2 comparisons');
  expect(notes).toContain('1 cell failed or not run');
});

it('lets no name break out of its cell', () => {
  const line = markdownTable(analysis).split('\n')[4]!;
  expect(line).toContain('[x]\\(y)\\|\\<b\\>\\_1\\_&%\\#\\$\\\\ = \\{ |');
  const tex = latexTable(analysis);
  expect(tex).toContain('{[}x](y)|$<$b$>$\\_1\\_\\&\\%\\#\\$\\textbackslash{} = \\{ &');
  const rows = tex.split('\n').filter((row) => row.endsWith('\\\\'));
  expect(rows).toHaveLength(4);
  for (const row of rows) expect(row.replaceAll('\\&', '').split('&')).toHaveLength(6);
});

it('in LaTeX is for one column: six columns, environments as headings, minus signs that are none of a word', () => {
  const below = analyze([
    ...madeCells('grpo', [0.4, 0.5, 0.45]),
    ...madeCells('carl-lite', [0.1, 0.15, 0.2]),
  ]);
  const tex = latexTable(below);
  expect(tex).toContain(
    'carl-lite & 0.150 $\\pm$ 0.124 & $-$0.100 $\\pm$ 0.124 & $-$0.300 $\\pm$ 0.124 & 0.009 & 1.00 \\\\',
  );
  expect(tex.replace(/^%.*$/gm, '')).not.toMatch(/[^-\w{]-\d/);
  expect(tex).toMatch(/\\resizebox\{\\columnwidth\}/);
  const several = latexTable(
    analyze([
      ...madeCells('grpo', [0.4, 0.5]),
      ...madeCells('grpo', [0.4, 0.5]).map((cell) => ({ ...cell, environment: 'maze_1/v1' })),
    ]),
  );
  expect(several).toContain('\\addlinespace\n\\multicolumn{6}{l}{\\itshape maze\\_1/v1} \\\\');
});

it('shows intervals that are not symmetric by their ends', () => {
  const scores = [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.9];
  expect(latexTable(analyze(madeCells('grpo', scores)))).toMatch(
    /grpo & 0\.190\$_\{-0\.0\d\d\}\^\{\+0\.\d{3}\}\$ &/,
  );
});

it('names the bootstrap where it was used', () => {
  const scores = Array.from({ length: 10 }, (_, seed) => ((seed * 3) % 10) / 10);
  const text = markdownTable(
    analyze([...madeCells('grpo', scores), ...madeCells('carl', scores.toReversed())]),
  );
  expect(text).toContain('BCa bootstrap over seeds from 10 on (5000 replicates, seed 0)');
  expect(text).not.toContain("Student's t");
});
