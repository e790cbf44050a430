import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { carlLite } from '../../../../algorithms/carl-lite/index.ts';
import { configured } from '../../../../algorithms/configured.ts';
import { grpo } from '../../../../algorithms/grpo/index.ts';
import type { Trajectory } from '../../trajectory.ts';
import { codec, creditByTrajectory, fixture, temporaryFiles, trajectories } from '../readers.test-helper.ts';
import { verifiers } from './read.ts';
import { type CreditedTrajectory, writeVerifiers } from './write.ts';

const file = temporaryFiles();
const TRACES = fixture('verifiers.jsonl');

/** Advantages by trajectory, all tokens of a turn alike. */
const flat = (
  all: readonly Trajectory[],
  of: (index: number, turn: number) => number | null,
): readonly CreditedTrajectory[] =>
  all.map(({ group, id, turns }, index) => ({
    group,
    id,
    advantages: turns.map(({ tokens }, turn) => {
      const value = of(index, turn);
      return value === null ? null : tokens.map(() => value);
    }),
  }));

async function written(path: string, rows: readonly CreditedTrajectory[]): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of writeVerifiers(path, rows)) lines.push(line);
  return lines;
}

describe('traces of verifiers', () => {
  it('are a trajectory per branch, which says where it left another', async () => {
    const notices: string[] = [];
    const read = await trajectories(verifiers, TRACES, { onNotice: (message) => notices.push(message) });
    expect(read.map(({ id, fork }) => [id, fork])).toEqual([
      ['t0/0', undefined],
      ['t0/1', { of: 't0/0', turn: 1 }],
      // What was read after the first turn is another message: nothing is shared.
      ['t0/2', undefined],
      ['t1', undefined],
    ]);
    for (const one of read) {
      expect(one).toMatchObject({
        group: 'nile-5',
        batch: 5,
        question: 'Where is the Nile?',
        answers: ['in Africa'],
      });
    }
    expect(read.map(({ reward }) => reward)).toEqual([1.1, 1.1, 1.1, 0.1]);
    expect(read.map(({ end }) => end)).toEqual([undefined, undefined, undefined, 'truncated']);
    expect(read[1]!.turns).toEqual([
      {
        observation: { tokens: [1, 2, 3, 4], text: 'Where is the Nile?' },
        tokens: [10, 11, 12],
        text: expect.stringContaining('"name":"search"'),
        logprobs: [-0.125, -0.25, -0.375],
        entropies: [0.5, 0.25, 1],
      },
      {
        observation: { tokens: [13, 14, 4], text: 'A river in Africa 🌍.' },
        tokens: [22, 23, 24],
        text: 'Asia, I think',
        logprobs: [-0.125, -0.25, -0.375],
        entropies: [0.5, 0.25, 2],
      },
    ]);
    expect(read[3]!.turns[0]!.cut).toBe(true);
    expect(notices).toEqual([expect.stringContaining('every branch of a trace counts as a rollout')]);
  });

  it('are the same as single traces, whose group is the task', async () => {
    const read = await trajectories(verifiers, TRACES);
    const alone = await trajectories(verifiers, fixture('verifiers-traces.jsonl'));
    expect(alone.map(({ group }) => group)).toEqual(['nile', 'nile', 'nile', 'nile']);
    expect(alone.map(({ turns, fork, reward }) => [turns, fork, reward])).toEqual(
      read.map(({ turns, fork, reward }) => [turns, fork, reward]),
    );
  });

  it('count the rewards that the user names, with weights', async () => {
    const read = await trajectories(verifiers, TRACES, { rewards: { format: 2 } });
    expect(read.map(({ reward }) => reward)).toEqual([1, 1, 1, 1]);
    await expect(trajectories(verifiers, TRACES, { rewards: { f1: 1 } })).rejects.toThrow(
      /line 1: traces\[0\]\.rewards has no 'f1' \(--reward\); valid: correct, format/,
    );
  });

  it('without ids are read with a tokenizer, and refused without', async () => {
    const path = fixture('verifiers-texts.jsonl');
    await expect(trajectories(verifiers, path)).rejects.toThrow(
      /line 1: traces\[0\]\.nodes\[0\]\.message is a text without token ids; valid: .*--tokenizer/,
    );
    const notices: string[] = [];
    const [one] = await trajectories(verifiers, path, {
      codec,
      onNotice: (message) => notices.push(message),
    });
    expect(one!.turns[0]).toMatchObject({
      observation: { tokens: codec.encode('Where is the Nile?') },
      tokens: codec.encode('Europe'),
    });
    expect(notices.join()).toContain('were made of the texts');
    await expect(
      written(
        path,
        flat([one!], () => 1),
      ),
    ).rejects.toThrow(/nodes\[1\] has no token_ids, so its tokens have no advantages/);
  });

  it('of agents that are not trained, and without an action, are left out', async () => {
    const [first, second] = readFileSync(fixture('verifiers-traces.jsonl'), 'utf8').trim().split('\n');
    const judge = { ...JSON.parse(first!), agent: { trainable: false } };
    const silent = { ...JSON.parse(second!), nodes: JSON.parse(second!).nodes.slice(0, 1) };
    const path = file('out.jsonl', [judge, silent].map((one) => JSON.stringify(one)).join('\n'));
    const notices: string[] = [];
    expect(await trajectories(verifiers, path, { onNotice: (message) => notices.push(message) })).toEqual([]);
    expect(notices).toHaveLength(2);
    expect(await written(path, [])).toEqual(readFileSync(path, 'utf8').split('\n'));
  });

  it('without a compaction that was not gone on with', async () => {
    const node = (parent: number | null, links: readonly object[] = []) => ({
      parent,
      semantic_parents: links,
      message: { role: 'assistant', content: 'x' },
      sampled: true,
      token_ids: [1],
      mask: [true],
      logprobs: [-1],
    });
    const attempt = { type: 'compaction_attempt', node: 0 };
    const trace = (accepted: readonly object[]) => ({
      id: 't',
      task: { type: 'T', data: {} },
      rewards: {},
      nodes: [node(null), node(0, [attempt]), node(null, accepted)],
    });
    const ids = async (accepted: readonly object[]) => {
      const path = file('compaction.jsonl', JSON.stringify(trace(accepted)));
      return (await trajectories(verifiers, path)).map(({ id }) => id);
    };
    expect(await ids([])).toEqual(['t']);
    expect(await ids([{ type: 'compaction', node: 1 }])).toEqual(['t/0', 't/1']);
  });

  const base = () => JSON.parse(readFileSync(fixture('verifiers-traces.jsonl'), 'utf8').split('\n')[1]!);
  it.each([
    ['another version', { version: 2 }, /line 1: version: valid: 1/],
    [
      'a parent that comes later',
      { nodes: [{ ...base().nodes[0], parent: 1 }] },
      /nodes\[0\]\.parent is 1; valid/,
    ],
    [
      'a mask of another length',
      { nodes: [{ ...base().nodes[0], mask: [false] }] },
      /nodes\[0\]\.mask has 1 elements; valid: 3/,
    ],
    [
      'log-probabilities of another number',
      { nodes: [{ ...base().nodes[1], parent: null, logprobs: [0] }] },
      /logprobs has 1 elements; valid: 2, one per sampled token/,
    ],
    [
      'no numbers',
      { nodes: [{ ...base().nodes[1], parent: null, logprobs: [null, 1] }] },
      /nodes\[0\]\.logprobs\[0\]: valid: finite numbers/,
    ],
    [
      'an id that is none',
      { nodes: [{ ...base().nodes[0], token_ids: [1, -2, 3] }] },
      /nodes\[0\]\.token_ids\[1\]: valid: token ids/,
    ],
    ['a reward that is a text', { rewards: { a: { score: 'x' } } }, /rewards\.a\.score: /],
    ['no nodes', { nodes: 3 }, /nodes: no list/],
  ])('with %s are refused, with the line and the field', async (_, changed, message) => {
    const path = file('bad.jsonl', JSON.stringify({ ...base(), ...changed }));
    await expect(trajectories(verifiers, path)).rejects.toThrow(message);
  });

  it('with branches that are too long together are refused before they take memory', async () => {
    const node = (parent: number | null, ids: readonly number[]) => ({
      parent,
      message: { role: 'assistant', content: 'x' },
      sampled: true,
      token_ids: ids,
      mask: ids.map(() => true),
    });
    const nodes = [node(null, new Array(50_000).fill(1)), ...new Array(5000).fill(node(0, [1]))];
    const path = file('wide.jsonl', JSON.stringify({ id: 't', task: {}, rewards: {}, nodes }));
    await expect(trajectories(verifiers, path)).rejects.toThrow(/more than 67108864 tokens together/);
  });
});

describe('credit written into traces', () => {
  it('changes the advantages and not another byte', async () => {
    const read = await trajectories(verifiers, TRACES);
    const original = readFileSync(TRACES, 'utf8').trim().split('\n');
    const lines = await written(
      TRACES,
      flat(read, (index, turn) => index + turn / 4),
    );
    expect(lines).toHaveLength(2);
    for (const [index, line] of lines.entries()) {
      expect(line).not.toBe(original[index]);
      // The file has none: without what was put in, all is as it was, a number that no double holds included.
      expect(line.replaceAll(/,"advantages":\[[^\]]*\]/g, '')).toBe(original[index]);
      expect(line).toContain('12345678901234567890');
    }
    const [{ traces }] = lines.map((line) => JSON.parse(line));
    const { nodes } = traces[0];
    // The first turn is in all three branches: the mean of 0, 1 and 2.
    expect(nodes[1].advantages).toEqual([1, 1, 1]);
    expect(nodes[3].advantages).toEqual([0.25, 0.25]);
    expect(nodes[4].advantages).toEqual([1.25, 1.25, 1.25]);
    expect(nodes[6].advantages).toEqual([2.25, 2.25]);
    expect(nodes.map((node: object) => 'advantages' in node)).toEqual([
      false,
      true,
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  it('replaces what is there, and says null of what no method trains', async () => {
    const read = await trajectories(verifiers, TRACES);
    const once = file(
      'once.jsonl',
      (
        await written(
          TRACES,
          flat(read, () => 0.5),
        )
      ).join('\n'),
    );
    const none = await written(
      once,
      flat(read, (index, turn) => (index === 1 && turn === 0 ? 3 : index === 3 ? 0 : null)),
    );
    const { nodes } = JSON.parse(none[0]!).traces[0];
    expect(nodes.map(({ advantages }: { advantages?: unknown }) => advantages)).toEqual([
      ...[undefined, [1, 1, 1], undefined],
      ...[null, null, undefined, null],
    ]);
    expect(JSON.parse(none[1]!).traces[0].nodes[1].advantages).toEqual([0, 0]);
    expect(
      await written(
        once,
        flat(read, () => 0.5),
      ),
    ).toEqual(readFileSync(once, 'utf8').split('\n'));
  });

  it("adds up over the branches to the method's gradient", async () => {
    const read = await trajectories(verifiers, TRACES);
    const flatCredit = configured(grpo, {});
    for (const algorithm of [flatCredit, configured(carlLite, {})]) {
      const credits = creditByTrajectory(read, algorithm, 'turns');
      const rows = read.map(({ group, id }, index) => ({
        group,
        id,
        advantages: credits[index]!.map((turn) => (turn === undefined ? null : [...turn])),
      }));
      const { nodes } = JSON.parse((await written(TRACES, rows))[0]!).traces[0];
      const sum = credits.slice(0, 3).reduce((total, [turn]) => total + (turn?.[0] ?? 0), 0);
      expect(3 * (nodes[1].advantages?.[0] ?? 0)).toBeCloseTo(sum, 12);
      if (algorithm === flatCredit) expect(sum).toBeGreaterThan(1);
    }
  });

  it('is refused if it is of other trajectories', async () => {
    const rows = flat(await trajectories(verifiers, TRACES), () => 1);
    await expect(written(TRACES, rows.slice(1))).rejects.toThrow("the credit of 'nile-5', 't0/0' is missing");
    await expect(written(TRACES, rows.slice(0, 3))).rejects.toThrow('there is nothing');
    await expect(written(TRACES, [...rows, ...rows])).rejects.toThrow('more credit than trajectories');
  });
});
