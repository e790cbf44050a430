import { expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { carl } from '../carl/index.ts';
import { sketchTree } from '../sketch.test-helper.ts';
import { carlExact } from './index.ts';

// equation (carl-exact): as its page says
it('forks where the distribution is wide, not where the sample was unlikely', () => {
  const sketch = sketchTree([{ surprisal: 3, next: [{ surprisal: 1, end: 1 }] }]);
  // Node 0: an unlikely sample from a narrow distribution. Node 1: a likely sample from a wide one.
  const tree = {
    ...sketch,
    edges: sketch.edges.map((edge, i) => ({ ...edge, entropies: [[0.1, 0.9][i]!] })),
  };
  const fork = (algorithm: typeof carl) => algorithm.next(tree, algorithm.schema.parse({}), createRandom(0));
  expect(fork(carl)).toEqual([{ node: 0 }]);
  expect(fork(carlExact)).toEqual([{ node: 1 }]);
});
