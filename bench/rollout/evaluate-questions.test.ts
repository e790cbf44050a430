import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { mean } from '../../core/statistics.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { evaluate } from './evaluate.ts';
import { evaluateQuestions } from './evaluate-questions.ts';

const tasks = Array.from({ length: 70 }, (_, index) => ({ ...STOP_OR_SEARCH_TASK, id: `q${index}` }));
const loaded: LoadedEnvironment = {
  environment: stopOrSearch(),
  tasks: { train: tasks, dev: tasks, test: [] },
  fingerprint: 'test',
};
const request = {
  loaded,
  policy: createTabularPolicy(),
  tasks,
  episodes: 4,
  decoding: 'sample' as const,
  sampling: { temperature: 1 },
  random: createRandom(2),
};

it('has a row per episode, and means over questions with intervals', async () => {
  const { rows, scores, columns } = await evaluateQuestions(request);
  expect(rows.length).toBe(280);
  for (const row of rows) expect(Object.keys(row)).toEqual(columns.map(({ name }) => name));
  expect(rows[0]!.entropy_is).toBe('exact');
  const score = scores.find(({ name }) => name === 'return')!;
  expect(score.value).toBeCloseTo(mean(rows.map((row) => Number(row.return))), 12);
  expect(score.n).toBe(70);
  expect(score.low).toBeLessThan(score.value);
  expect(score.high).toBeGreaterThan(score.value);
  expect(scores.map(({ name }) => name)).toEqual(['f1', 'em', 'return', 'actions', 'entropy']);
});

it('agrees with what a cell is evaluated by', async () => {
  const { scores } = await evaluateQuestions({ ...request, episodes: 200 });
  const other = await evaluate({ ...request, episodes: 200, random: createRandom(9) });
  const own = scores.find(({ name }) => name === 'return')!;
  // Both are means of 14,000 returns in [0, 1].
  expect(Math.abs(own.value - other.return)).toBeLessThan((4 * 0.5 * Math.SQRT2) / Math.sqrt(14_000));
});

it('its intervals hold the truth about 95 times in 100', async () => {
  const truth = (await evaluate({ ...request, episodes: 1000, random: createRandom(5) })).return;
  let held = 0;
  for (let seed = 0; seed < 300; seed++) {
    const few = { ...request, tasks: tasks.slice(0, 20), random: createRandom(100 + seed) };
    const { scores } = await evaluateQuestions(few);
    const { low, high } = scores.find(({ name }) => name === 'return')!;
    if (low! <= truth && truth <= high!) held++;
  }
  // Binomial of 300: 0.95 within four standard errors.
  expect(held / 300).toBeGreaterThan(0.9);
  expect(held / 300).toBeLessThan(1);
});
