import { expect, it } from 'vitest';
import type { AnyAlgorithm } from '../../algorithms/algorithm.ts';
import { chains, sketchTree } from '../../algorithms/sketch.test-helper.ts';
import { createRandom } from '../../core/random.ts';
import { checkAlgorithm } from './check-algorithm.ts';
import { advantages, INVARIANCES } from './invariances.test-helper.ts';
import { checkBias } from './property.ts';

export type Check<Subject> = (subject: Subject) => Promise<void> | void;

/** The check passes on the original, and fails on the mutant with this message. */
export function mutant<Subject>(
  name: string,
  check: Check<Subject>,
  original: Subject,
  mutated: Subject,
  message: RegExp,
): void {
  it(name, async () => {
    await check(original);
    await expect((async () => check(mutated))()).rejects.toThrow(message);
  });
}

export const unbiased: Check<AnyAlgorithm> = async (algorithm) => {
  await checkBias(algorithm, { expect: 'unbiased', runs: 30 });
};
/** Of CARL's credit on forks fixed beforehand. */
export const halfTheAdvantage: Check<AnyAlgorithm> = async (algorithm) => {
  await checkBias(algorithm, {
    expect: { advantage: 'scaled' },
    factor: () => 1 / 2,
    options: { children: 2 },
    runs: 30,
    depth: 2,
  });
};
export const contract: Check<AnyAlgorithm> = async (algorithm) => {
  const problems = await checkAlgorithm(algorithm, { random: createRandom(0), batches: 5 });
  if (problems.length > 0) throw new Error(problems.join('\n'));
};
export const invariant =
  (change: keyof typeof INVARIANCES, options: object = {}): Check<AnyAlgorithm> =>
  (algorithm) =>
    INVARIANCES[change](algorithm, algorithm.schema.parse(options));

/** Reference 1.1: returns 1, 0, 0, 1 give 0.866, -0.866, -0.866, 0.866 with the sample standard deviation. */
export const grpoVector: Check<AnyAlgorithm> = (algorithm) => {
  const [given] = advantages(algorithm, algorithm.schema.parse({}), [chains([1, 0, 0, 1])]);
  for (const [edge, value] of given!) expect(value).toBeCloseTo([0.866, -0.866, -0.866, 0.866][edge]!, 3);
};

/** Reference 2.5, edges in depth-first order; the first and the third have no siblings. */
export const carlVector: Check<AnyAlgorithm> = (algorithm) => {
  const tree = sketchTree([
    {
      next: [
        { next: [{ end: 0.4 }] },
        {
          round: 1,
          start: true,
          next: [
            { round: 1, end: 1 },
            { round: 3, start: true, end: 0.5 },
          ],
        },
        { round: 2, start: true, end: 0 },
      ],
    },
  ]);
  const [given] = advantages(algorithm, algorithm.schema.parse({}), [tree]);
  const expected: [number, number][] = [
    [1, 0.4 - 1.15 / 3],
    [3, 0.75 - 1.15 / 3],
    [4, 0.25],
    [5, -0.25],
    [6, -1.15 / 3],
  ];
  expect([...given!.keys()]).toEqual(expected.map(([edge]) => edge));
  for (const [edge, value] of expected) expect(given!.get(edge), `edge ${edge}`).toBeCloseTo(value, 9);
};
