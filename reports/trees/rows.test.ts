import { describe, expect, it } from 'vitest';
import { goldenTrees } from '../../bench/trajectories/golden/golden.ts';
import { growTree } from '../../bench/trajectories/grow.ts';
import type { Trajectory } from '../../bench/trajectories/trajectory.ts';
import { creditByToken, disagreement } from './credit.ts';
import { rowsOf } from './rows.ts';
import { actionsOf } from './view.ts';

const rollout = (
  id: string,
  actions: readonly (readonly number[])[],
  fork?: Trajectory['fork'],
): Trajectory => ({
  format: 'creditbench-trajectory',
  version: 1,
  group: 'q',
  id,
  turns: actions.map((tokens) => ({ tokens: [...tokens] })),
  ...(fork === undefined ? { round: 0 } : { fork }),
});

describe('the rows of a tree', () => {
  it('are branches one after the other, what is shared once', () => {
    const grown = growTree(
      [
        rollout('a', [[1, 2, 3, 4], [5]]),
        rollout('b', [[6]]),
        rollout('c', [[1, 2, 7], [8]], { of: 'a', turn: 0, tokens: 2 }),
        rollout(
          'd',
          [
            [1, 2, 3, 4],
            [9, 10],
          ],
          { of: 'a', turn: 1 },
        ),
      ],
      'none',
    );
    const rows = rowsOf(grown).map((row) =>
      row.kind === 'read'
        ? `${row.depth} read ${row.turn}`
        : `${row.depth} ${row.branch === undefined ? '' : `${row.branch.index}/${row.branch.of} `}${row.trajectories.join('')} [${row.from},${row.to})${row.leaf === undefined ? '' : ' end'}`,
    );
    expect(rows).toEqual([
      '0 read 0',
      '1 1/2 032 [0,2)',
      '2 1/2 03 [2,4)',
      '2 read 1',
      '3 1/2 0 [0,1) end',
      '3 2/2 3 [0,2) end',
      '2 2/2 2 [2,3)',
      '2 read 1',
      '2 2 [0,1) end',
      '1 2/2 1 [0,1) end',
    ]);
  });

  it('have every sampled token once, in golden trees', () => {
    for (const { trajectories } of goldenTrees()) {
      const grown = growTree(trajectories, 'none');
      const actions = actionsOf(rowsOf(grown));
      const sampled = grown.tree.edges.reduce(
        (sum, { tokens, shared }) => sum + tokens.length - (shared?.tokens ?? 0),
        0,
      );
      expect(actions.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(sampled);
      expect(actions.map(({ first }) => first)).toEqual(
        actions.map((_, index) => actions.slice(0, index).reduce((sum, { from, to }) => sum + to - from, 0)),
      );
      expect(actions.filter(({ leaf }) => leaf).length).toBe(trajectories.length);
    }
  });

  it('are made of trees as deep as they like', () => {
    const deep = Array.from({ length: 3000 }, (_, turn) => [turn % 7]);
    const grown = growTree(
      [
        rollout('0', deep),
        ...Array.from({ length: 400 }, (_, index) =>
          rollout(String(index + 1), [...deep.slice(0, index + 1), [9], [9]], {
            of: String(index),
            turn: index + 1,
          }),
        ).map((one, index) => ({ ...one, fork: { of: '0', turn: index + 1 } })),
      ],
      'none',
    );
    expect(actionsOf(rowsOf(grown)).length).toBe(3000 + 2 * 400);
  });
});

describe('credit by token', () => {
  it('is the sum over the rollouts that share a token, inside an action, too', () => {
    const trajectories = [rollout('a', [[1, 2, 3]]), rollout('b', [[1, 4]], { of: 'a', turn: 0, tokens: 1 })];
    const grown = growTree(trajectories, 'none');
    const credits = {
      m: [[Float64Array.of(1, 2, Number.NaN)], [Float64Array.of(0.5, -4)]],
      n: { lacks: 'x' },
    };
    const rows = actionsOf(rowsOf(grown));
    expect(creditByToken({ grown, credits }, 'm', rows)).toEqual(Float64Array.of(1.5, 2, Number.NaN, -4));
    expect(creditByToken({ grown, credits }, 'n', rows)).toBeUndefined();
    expect(creditByToken({ grown, credits: { m: [[undefined], [undefined]] } }, 'm', rows)).toEqual(
      new Float64Array(4).fill(Number.NaN),
    );
  });

  it('disagrees where signs do', () => {
    const of = (...values: number[]) => Float64Array.from(values);
    expect(disagreement([of(1, 0, -3), of(2, 0, -1)])).toBe(0);
    expect(disagreement([of(1), of(-1)])).toBe(1);
    expect(disagreement([of(1), of(0)])).toBe(0.5);
    expect(disagreement([of(1), of(Number.NaN)])).toBe(0.5);
    expect(disagreement([of(1, 1), of(-1, 1), of(0, 1)])).toBeCloseTo(2 / 3 / 2, 12);
    expect(disagreement([of(1)])).toBe(0);
  });
});
