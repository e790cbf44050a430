import { describe, expect, it } from 'vitest';
import { grpoAdvantages } from '../../algorithms/grpo/index.ts';
import { findAlgorithm } from '../../algorithms/registry.ts';
import { answerCredit, answerJson, REQUEST_LIMITS, RequestTooLarge } from './request.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION, type Trajectory } from './trajectory.ts';

const trajectory = (
  group: string,
  id: string,
  reward: number,
  lengths: readonly number[] = [2, 1],
): Trajectory => ({
  format: TRAJECTORY_FORMAT,
  version: TRAJECTORY_VERSION,
  group,
  id,
  turns: lengths.map((length) => ({ tokens: new Array<number>(length).fill(0) })),
  reward,
});
const mixed = [
  trajectory('a', '0', 1),
  trajectory('b', '0', 3, [1]),
  trajectory('a', '1', 0, [3]),
  trajectory('b', '1', 5, [1, 1, 1]),
  trajectory('c', '0', 7),
];
const ask = (body: unknown) => answerCredit(body, findAlgorithm);
/** As a client reads it. */
const read = (body: unknown) => JSON.parse([...answerJson(ask(body))].join(''));

describe('a request for credit', () => {
  it('is answered in the order of its trajectories, whatever the order of their groups', () => {
    const { version, credit, lacks, left } = read({
      algorithms: ['grpo'],
      trajectories: mixed,
      merge: 'none',
    });
    const options = { epsilon: 1e-6, std: 'sample', singleton: 'raw' } as const;
    const [a0, a1] = grpoAdvantages([1, 0], options);
    const [b0, b1] = grpoAdvantages([3, 5], options);
    expect({ version, lacks }).toEqual({ version: 1, lacks: {} });
    expect(credit.grpo).toEqual([
      [[a0, a0], [a0]],
      [[b0]],
      [[a1, a1, a1]],
      [[b1], [b1], [b1]],
      [[7, 7], [7]],
    ]);
    expect(left.grpo).toEqual({ clipScale: 0, nllWeight: 0, offPolicy: 0 });
  });

  it('is answered by names, with options; what a method lacks is said beside it', () => {
    const algorithms = ['rloo', 'ppo', { id: 'grpo', name: 'my/grpo', options: { singleton: 'zero' } }];
    const { credit, lacks, left } = read({ algorithms, trajectories: mixed, merge: 'none' });
    expect(Object.keys(credit)).toEqual(['rloo', 'my/grpo']);
    expect(credit['my/grpo'][4]).toEqual([[0, 0], [0]]);
    expect(lacks).toEqual({ ppo: 'outputs of its critic (outputs.critic)' });
    expect(Object.keys(left)).toEqual(['rloo', 'my/grpo']);
  });

  it('says null of turns and tokens that are not trained', () => {
    const { credit } = read({ algorithms: ['carl'], trajectories: mixed.slice(0, 1), merge: 'none' });
    expect(credit.carl).toEqual([[null, null]]);
    const answer = {
      credit: new Map([['x', [[undefined, Float64Array.of(1, Number.NaN)]]]]),
      lacks: new Map(),
      left: new Map(),
    };
    expect([...answerJson(answer)].join('')).toBe(
      '{"version":1,"credit":{"x":[[null,[1,null]]]},"lacks":{},"left":{}}',
    );
  });

  it('draws by seed', () => {
    const body = { algorithms: ['random-credit'], trajectories: mixed, seed: 3 };
    expect(read(body)).toEqual(read(body));
    const drawn = [3, 4, 5, 6, 7].map((seed) => JSON.stringify(read({ ...body, seed }).credit));
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });

  it.each([
    [undefined, 'the request: Invalid input: expected object, received undefined'],
    [null, 'the request: Invalid input'],
    [{}, 'algorithms: Invalid input: expected array'],
    [{ algorithms: [], trajectories: mixed }, 'algorithms: Too small'],
    [{ algorithms: ['grpo'], trajectories: [] }, 'trajectories: Too small'],
    [{ algorithms: [1], trajectories: mixed }, 'algorithms.0: not valid; valid: an id, or an object with id'],
    [{ algorithms: ['gropo'], trajectories: mixed }, "unknown algorithm 'gropo'; valid: a2tgpo, "],
    [{ algorithms: ['__proto__'], trajectories: mixed }, "unknown algorithm '__proto__'"],
    [
      { algorithms: ['grpo', 'grpo'], trajectories: mixed },
      "two are called 'grpo'; valid: a different 'name'",
    ],
    [
      { algorithms: [{ id: 'grpo', options: { std: 1 } }], trajectories: mixed },
      'algorithms[0].options.std, of grpo: ',
    ],
    [{ algorithms: ['grpo'], trajectories: [3] }, 'trajectories[0] is 3; valid: an object'],
    [{ algorithms: ['grpo'], trajectories: mixed, merge: 'all' }, 'merge: Invalid option'],
    [{ algorithms: ['grpo'], trajectories: mixed, more: 1 }, 'the request: Unrecognized key: "more"'],
    [
      { algorithms: ['grpo'], trajectories: [mixed[0], mixed[0]] },
      "group 'a': two trajectories have the id '0'",
    ],
    [
      {
        algorithms: ['grpo'],
        trajectories: [
          { ...mixed[0], batch: 1 },
          { ...mixed[1], batch: 2 },
        ],
      },
      'trajectories: they name 2 batches; valid: one',
    ],
  ])('is refused: case %#', (body, message) => {
    expect(() => ask(body)).toThrow(message);
  });

  it('is refused if it is too large', () => {
    const { trajectories, group, turns, tokens, advantages, algorithms } = REQUEST_LIMITS;
    const tooLarge = (body: object, message: string) => {
      expect(() => ask({ algorithms: ['grpo'], ...body })).toThrow(RequestTooLarge);
      expect(() => ask({ algorithms: ['grpo'], ...body })).toThrow(message);
    };
    tooLarge({ trajectories: new Array(trajectories + 1) }, `at most ${trajectories} in a request`);
    tooLarge(
      { trajectories: mixed, algorithms: new Array(algorithms + 1) },
      `at most ${algorithms} in a request`,
    );
    const many = Array.from({ length: group + 1 }, (_, id) => trajectory('a', String(id), 0, [1]));
    tooLarge({ trajectories: many }, `${group + 1} trajectories of group 'a'; valid: at most ${group}`);
    const long = { ...mixed[0], turns: new Array(turns) };
    tooLarge({ trajectories: [long, mixed[1]] }, `${turns + 1} turns; valid: at most ${turns}`);
    const half = trajectory('a', '0', 0, [tokens / 2]);
    tooLarge({ trajectories: [half, half, trajectory('a', '1', 0)] }, `at most ${tokens} in a request`);
    const names = Array.from({ length: (2 * advantages) / tokens + 1 }, (_, i) => ({
      id: 'grpo',
      name: `g${i}`,
    }));
    tooLarge({ trajectories: [half], algorithms: names }, `at most ${advantages} in a request`);
  });
});
