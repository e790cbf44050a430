import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ALGORITHMS } from '../algorithms/registry.ts';
import { EXPERIMENTS } from '../bench/profile/experiments.ts';

const read = (page: string): string => readFileSync(new URL(page, import.meta.url), 'utf8');

it('algorithms.md has every algorithm once, in a row with its page', () => {
  const text = read('algorithms.md');
  const rows = [...text.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| .+ \|$/gm)].map(([, id, page]) => [
    id,
    page,
  ]);
  const expected = ALGORITHMS.map(({ id }) => [id, `../algorithms/${id}/README.md`]);
  expect(rows.toSorted()).toEqual(expected.toSorted());
});

it('README.md is at most 150 lines, counts algorithms and experiments, and names the commands of npm start', () => {
  const text = read('../README.md');
  expect(text.split('\n').length).toBeLessThanOrEqual(151);
  expect(text).toContain(`runs ${ALGORITHMS.length} of them`);
  expect(text).toContain(`${EXPERIMENTS.length} small experiments`);
  const { scripts } = JSON.parse(read('../package.json')) as { scripts: { start: string } };
  const words = (command: string): readonly string[] => command.split(/\s+/).toSorted();
  const said = text.replaceAll('\\\n', ' ');
  for (const command of scripts.start.split(' && ')) {
    const typed = command.replace('node dist/cli/main.js', 'npx creditbench');
    const found = said.split('\n').some((line) => words(line).join() === words(typed).join());
    expect(found, typed).toBe(true);
  }
});
