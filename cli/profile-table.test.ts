import { expect, it } from 'vitest';
import { EXPERIMENTS } from '../bench/profile/experiments.ts';
import { madeUpUnits } from '../bench/profile/made-up.test-helper.ts';
import { summarize } from '../bench/profile/summary.ts';
import { profileTable } from './profile-table.ts';

const experiments = [...EXPERIMENTS.slice(0, 13).map(({ id }) => id), 'one-more', 'and-another', 'the-last'];
const summaries = summarize(
  madeUpUnits({
    methods: { grpo: [0, 0], 'a-method-with-a-long-name': [0.2, 0.01], worse: [-0.9, 0.01] },
    experiments,
  }),
);

it.each([
  [undefined, 80, 2],
  [0, 80, 2],
  [200, 80, 2],
  [80, 80, 2],
  [60, 60, 2],
  [40, 40, 4],
])('with a terminal of %s columns has lines of at most %i', (width, most, blocks) => {
  const text = profileTable(summaries, undefined, width);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(most);
  expect(text.split('score').length - 1).toBe(blocks);
  // Nothing is lost: each method has each experiment, with its mark.
  expect(text.match(/\.\d\d\^/g)).toHaveLength(experiments.length);
  expect(text.match(/-\.\d\dv/g)).toHaveLength(experiments.length);
  for (const [index, id] of experiments.entries()) expect(text).toContain(`${index + 1} ${id}`);
  expect(text.replace(/\s+/g, ' ')).toContain('told apart at 5 % (t test, seeds in pairs; Holm over all) ');
});
