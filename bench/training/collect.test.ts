import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { STOP_OR_SEARCH_TASK, stopOrSearch } from '../../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';
import { collect } from './collect.ts';

const collectWhere = async (keep: (id: string) => boolean, batches: number, isResampling = true) => {
  let asked = 0;
  const collected = await collect({
    request: {
      environment: stopOrSearch(0),
      policy: createTabularPolicy(),
      plan: (tree) => (tree.edges.length === 0 ? [{ node: 0 }, { node: 0 }] : []),
      random: createRandom(1),
      sampling: { temperature: 1 },
    },
    questions: 4,
    nextTasks: (count) =>
      Array.from({ length: count }, () => ({ ...STOP_OR_SEARCH_TASK, id: String(asked++) })),
    resampling: isResampling ? { keep: ({ task }) => keep(task.id), batches } : undefined,
  });
  return { ids: collected.trees.map(({ task }) => task.id), ...collected, asked };
};

describe('collect', () => {
  // equation (*): collect
  it('goes on with further questions until enough are kept, and no longer', async () => {
    const { ids, used, asked } = await collectWhere((id) => Number(id) % 2 === 1, 10);
    expect(asked).toBe(8);
    expect(used).toBe(4);
    expect(ids).toEqual(['1', '3', '5', '7', '0', '2', '4', '6']);
  });

  it('does not use more than asked for, and counts the rest', async () => {
    const { ids, used } = await collectWhere((id) => id !== '0', 10);
    expect(used).toBe(4);
    expect(ids).toEqual(['1', '2', '3', '4', '0', '5', '6', '7']);
  });

  it('gives up after the last batch, with what there is', async () => {
    const { used, asked } = await collectWhere((id) => id === '2', 3);
    expect([used, asked]).toEqual([1, 12]);
    expect(await collectWhere(() => false, 2)).toMatchObject({ used: 0, asked: 8 });
  });

  it('grows the first batch as without resampling', async () => {
    const plain = await collectWhere(() => true, 1, false);
    const first = await collectWhere(() => true, 5);
    expect(first.trees).toEqual(plain.trees);
    expect(first.asked).toBe(4);
  });
});
