import { describe, expect, it } from 'vitest';
import { checkTrajectory } from './check.ts';
import { TRAJECTORY_FORMAT, TRAJECTORY_VERSION, trajectorySchema } from './trajectory.ts';

const turn = (fields: object = {}): object => ({ tokens: [1, 2], ...fields });
const trajectory = (fields: object = {}): object => ({
  format: TRAJECTORY_FORMAT,
  version: TRAJECTORY_VERSION,
  group: 'q',
  id: '0',
  turns: [turn(), turn()],
  ...fields,
});
const second = (fields: object): object => trajectory({ turns: [turn(), turn(fields)] });

describe('a trajectory from outside', () => {
  it('is itself if it is right', () => {
    const whole = second({
      logprobs: [-1, -2],
      outputs: { critic: [0, 1] },
      observation: { tokens: [], text: '' },
    });
    expect(checkTrajectory(whole, 't')).toBe(whole);
  });

  it.each([
    [null, 't is null; valid: an object'],
    [[], 't is []; valid: an object'],
    [trajectory({ turns: [] }), 't.turns: Too small: expected array to have >=1 items'],
    [trajectory({ turns: 3 }), 't.turns: Invalid input: expected array, received number'],
    [trajectory({ turns: [turn(), 7] }), 't.turns[1] is 7; valid: an object'],
    [trajectory({ version: 2 }), 't.version: Invalid input: expected 1'],
    [trajectory({ reward: '1' }), 't.reward: Invalid input: expected number, received string'],
    [trajectory({ rewards: 1 }), "t: unknown key 'rewards'; valid: format, version, group"],
    [trajectory({ answers: ['a', 1] }), 't.answers[1] is 1; valid: text'],
    [trajectory({ fork: { of: 'x', turn: 5 } }), 't.fork.turn is 5; valid: 0 to 1'],
    [
      JSON.parse(JSON.stringify(trajectory()).replace('"id"', '"__proto__"')),
      't.id: Invalid input: expected string',
    ],
    [second({ tokens: [] }), 't.turns[1].tokens: Too small'],
    [second({ tokens: [1, 0.5] }), 't.turns[1].tokens[1] is 0.5; valid: whole number >= 0'],
    [second({ tokens: [1, 'x'.repeat(1000)] }), `t.turns[1].tokens[1] is "${'x'.repeat(59)}…; valid`],
    [second({ logprobs: [-1] }), 't.turns[1].logprobs has 1 elements; valid: 2, one per token'],
    [second({ logprobs: [-1, Number.POSITIVE_INFINITY] }), 't.turns[1].logprobs[1] is null; valid: number'],
    [second({ outputs: { critic: [0, null] } }), 't.turns[1].outputs.critic[1] is null; valid: number'],
    [second({ outputs: { critic: 1 } }), 't.turns[1].outputs.critic: Invalid input: expected array'],
    [second({ pieces: ['a', 3] }), 't.turns[1].pieces[1] is 3; valid: text'],
    [
      second({ observation: { tokens: [-1] } }),
      't.turns[1].observation.tokens[0] is -1; valid: whole number',
    ],
    [second({ observation: { ids: [] } }), "t.turns[1].observation: unknown key 'ids'"],
    [second({ token: 1 }), "t.turns[1]: unknown key 'token'; valid: observation, tokens"],
  ])('is refused: case %#', (value, message) => {
    expect(() => checkTrajectory(value, 't')).toThrow(message);
  });

  it('is refused with one message, however much is wrong with it', () => {
    const tokens = new Array(1_000_000).fill('a');
    expect(() => checkTrajectory(second({ tokens }), 't')).toThrow('t.turns[1].tokens[0] is "a"');
    const turns = new Array(300_000).fill({ tokens: [1], cut: 1 });
    expect(() => checkTrajectory(trajectory({ turns }), 't')).toThrow('t.turns[0].cut');
  });

  it('looks at every array of the format', () => {
    // With an issue for an element, and not for the whole.
    const arrays = Object.entries(trajectorySchema.shape.turns.element.shape).filter(([, field]) =>
      field.safeParse([{}]).error?.issues.some(({ path }) => path[0] === 0),
    );
    for (const [name] of arrays) {
      expect(() => checkTrajectory(second({ [name]: [{}, {}] }), 't')).toThrow(
        `t.turns[1].${name}[0] is {}; valid`,
      );
    }
    expect(arrays.length).toBe(6);
  });
});
