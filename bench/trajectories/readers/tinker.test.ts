import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { growTree } from '../grow.ts';
import { codec, creditByTrajectory, fixture, temporaryFiles, trajectories } from './readers.test-helper.ts';
import { tinker } from './tinker.ts';

const file = temporaryFiles();
const SUMMARIES = fixture('tinker-summaries.jsonl');

describe('trajectories of tinker-cookbook', () => {
  it('of groups are turns with the ids that are new in each observation', async () => {
    const read = await trajectories(tinker, fixture('tinker.jsonl'));
    expect(read.map(({ group, id, reward }) => [group, id, reward])).toEqual([
      ['0', '0', 0],
      ['0', '1', 0.25],
      ['0', '2', 0.5],
      ['1', '0', 0],
      ['1', '1', 0.25],
    ]);
    expect(read[0]!.turns).toEqual([
      { observation: { tokens: [1, 2, 3] }, tokens: [20, 21], logprobs: [-0.5, -1], reward: 0 },
      { observation: { tokens: [13, 14] }, tokens: [30, 31], logprobs: [-0.5, -1], reward: 1 },
    ]);
  });

  it('alone are the same, with plain lists of ids', async () => {
    const line = JSON.parse(readFileSync(fixture('tinker.jsonl'), 'utf8').split('\n')[0]!);
    const { transitions } = line.trajectories_G[0];
    const plain = transitions.map(({ ob, ac, reward }: (typeof transitions)[number]) => ({
      ob: ob.chunks[0].tokens,
      ac: { tokens: ac.tokens, logprobs: ac.maybe_logprobs },
      reward,
      episode_done: false,
    }));
    const path = file('alone.jsonl', JSON.stringify({ transitions: plain, group_idx: 0, traj_idx: 0 }));
    const [first] = await trajectories(tinker, fixture('tinker.jsonl'));
    expect(await trajectories(tinker, path)).toEqual([first]);
  });

  it('as rollout summaries give the credit of their rewards, turn by turn and token by token', async () => {
    const notices: string[] = [];
    const read = await trajectories(tinker, SUMMARIES, {
      codec,
      onNotice: (message) => notices.push(message),
    });
    const whole = await trajectories(tinker, fixture('tinker.jsonl'));
    expect(notices).toEqual([expect.stringContaining('no token ids, only their number')]);
    expect(read[0]).toMatchObject({ group: 'train/5/0', id: '0', batch: 'train/5' });
    expect(read.map(({ turns }) => turns.map(({ tokens }) => tokens.length))).toEqual(
      whole.map(({ turns }) => turns.map(({ tokens }) => tokens.length)),
    );
    const algorithm = configured(grpo, {});
    expect(creditByTrajectory(read, algorithm, 'tokens')).toEqual(
      creditByTrajectory(whole, algorithm, 'none'),
    );
  });

  it('as rollout summaries share no turn, although all their ids are 0', async () => {
    const read = await trajectories(tinker, SUMMARIES);
    const group = read.filter(({ group }) => group === 'train/5/0');
    const turns = group.reduce((sum, one) => sum + one.turns.length, 0);
    for (const merge of ['turns', 'tokens'] as const) {
      const { edges } = growTree(group, merge).tree;
      expect(edges).toHaveLength(turns);
      expect(edges.filter(({ from, shared }) => from === 0 && shared === undefined)).toHaveLength(
        group.length,
      );
    }
  });

  const line = () => JSON.parse(readFileSync(SUMMARIES, 'utf8').split('\n')[0]!);
  it.each([
    ['another version', { schema_version: 2 }, /line 1: schema_version: valid: 1/],
    [
      'more tokens than memory',
      {
        steps: [
          { ac_len: 1, reward: 0 },
          { ac_len: 1e9, reward: 0 },
        ],
      },
      /steps\[1\]\.ac_len makes 1000000001 tokens; valid: at most/,
    ],
    ['an action without tokens', { steps: [{ ac_len: 0, reward: 0 }] }, /steps\[0\]\.ac_len: /],
    ['no reward', { steps: [{ ac_len: 1, reward: null }] }, /steps\[0\]\.reward: /],
  ])('with %s are refused', async (_, changed, message) => {
    const path = file('bad.jsonl', JSON.stringify({ ...line(), ...changed }));
    await expect(trajectories(tinker, path)).rejects.toThrow(message);
  });

  it.each([
    [
      'a list of log-probabilities that is too short',
      { tokens: [1, 2], logprobs: [0] },
      /ac\.logprobs has 1 elements; valid: 2/,
    ],
    [
      'an action without tokens',
      { tokens: [] },
      /transitions\[0\]\.ac\.tokens has 0 elements; valid: 1, at least one/,
    ],
  ])('with %s are refused, too', async (_, ac, message) => {
    const path = file('ac.jsonl', JSON.stringify({ transitions: [{ ob: [1], ac, reward: 0 }] }));
    await expect(trajectories(tinker, path)).rejects.toThrow(message);
  });

  it('with rewards of other names are refused', async () => {
    await expect(trajectories(tinker, SUMMARIES, { rewards: { f1: 1 } })).rejects.toThrow(
      /--reward: .*valid: without/,
    );
  });

  it('with pictures are refused', async () => {
    const ob = { chunks: [{ type: 'image', data: 'x' }] };
    const path = file(
      'picture.jsonl',
      JSON.stringify({ transitions: [{ ob, ac: { tokens: [1] }, reward: 0 }] }),
    );
    await expect(trajectories(tinker, path)).rejects.toThrow(
      /transitions\[0\]\.ob\.chunks\[0\]\.tokens: no list/,
    );
  });
});
