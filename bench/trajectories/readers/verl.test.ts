import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { type Trajectory, trajectoryProblem, trajectorySchema } from '../trajectory.ts';
import { codec, creditByTrajectory, fixture, temporaryFiles, trajectories } from './readers.test-helper.ts';
import { verl } from './verl.ts';

const file = temporaryFiles();
const GRPO = configured(grpo, {});

/** What verl's own function said, by row and response token. */
const expected = JSON.parse(readFileSync(fixture('verl-grpo.json'), 'utf8')) as Readonly<
  Record<string, readonly (readonly number[])[]>
>;

const own = (name: string): readonly Trajectory[] =>
  readFileSync(fixture(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => trajectorySchema.parse(JSON.parse(line)));

describe("a dump of verl's own trainer", () => {
  it("gives verl's own GRPO advantages", async () => {
    const notices: string[] = [];
    const read = await trajectories(verl, fixture('verl.jsonl'), {
      codec,
      onNotice: (message) => notices.push(message),
    });
    expect(read).toHaveLength(12);
    expect(new Set(read.map(({ group }) => group)).size).toBe(3);
    const credits = creditByTrajectory(read, GRPO, 'turns');
    const distinct = new Set<number>();
    for (const [row, [credit]] of credits.entries()) {
      for (const value of credit!) expect(value).toBeCloseTo(expected['verl.jsonl']![row]![0]!, 5);
      distinct.add(credit![0]!);
    }
    expect(distinct.size).toBeGreaterThan(8);
    expect(notices).toHaveLength(2);
    expect(notices.join()).toContain('were made of the texts by the tokenizer');
    expect(notices.join()).toContain("all of it counts as the policy's");
  });

  it('is read with its questions and answers, and the ids of its texts', async () => {
    const [first] = await trajectories(verl, fixture('verl.jsonl'), { codec });
    const { input, output, score } = JSON.parse(readFileSync(fixture('verl.jsonl'), 'utf8').split('\n')[0]!);
    expect(first).toMatchObject({
      question: input,
      answers: ['Jane Austen'],
      batch: 7,
      id: '0',
      reward: score,
    });
    expect(first!.turns).toHaveLength(1);
    expect(first!.turns[0]).toMatchObject({
      observation: { tokens: codec.encode(input), text: input },
      tokens: codec.encode(output),
      text: output,
    });
  });

  it('has the reward in a field that the user names', async () => {
    const read = await trajectories(verl, fixture('verl.jsonl'), {
      codec,
      rewards: { letters: 2, score: 1 },
    });
    expect(read[1]!.reward).toBe(1.5);
    await expect(trajectories(verl, fixture('verl.jsonl'), { codec, rewards: { f1: 1 } })).rejects.toThrow(
      /line 1: none of f1 \(--reward\) is there; valid: input, output, .*letters/,
    );
  });

  it('is refused without a tokenizer', async () => {
    await expect(trajectories(verl, fixture('verl.jsonl'))).rejects.toThrow(
      /verl\.jsonl, line 1: output is a text without token ids; valid: a file with ids, or --tokenizer FOLDER/,
    );
  });

  it("is grouped by the keys of verl's newer trainer where it has them", async () => {
    const line = (uid: string) =>
      JSON.stringify({ input: 'q', output: 'a', score: 1, step: 3, gts: null, uid });
    const path = file('uid.jsonl', ['a_b_0_0', 'a_b_1_0', 'c_0_0', 'odd'].map(line).join('\n'));
    const read = await trajectories(verl, path, { codec });
    expect(read.map(({ group }) => group)).toEqual(['3/a_b', '3/a_b', '3/c', '3/odd']);
  });

  it.each([
    ['a score that is a text', { score: '1' }, /line 2: score: .*number/],
    ['no output', { output: null }, /line 2: output: /],
    ['a step that is no whole number', { step: 0.5 }, /line 2: step: /],
    ['a score beyond all numbers', { score: undefined }, /line 2: score: /],
  ])('with %s is refused, with the line', async (_, changed, message) => {
    const line = { input: 'q', output: 'a', score: 1, step: 3 };
    const path = file('bad.jsonl', `${JSON.stringify(line)}\n${JSON.stringify({ ...line, ...changed })}`);
    await expect(trajectories(verl, path, { codec })).rejects.toThrow(message);
  });

  it('says which number is none, as Python writes it', async () => {
    const path = file('nan.jsonl', '{"input": "q", "output": "a", "score": NaN, "step": 1}');
    await expect(trajectories(verl, path, { codec })).rejects.toThrow(
      /line 1: broken JSON at column \d+ \(NaN; valid: finite numbers\)/,
    );
  });

  it('reads an output that is empty as one token, and says so', async () => {
    const notices: string[] = [];
    const path = file('empty.jsonl', '{"input": "q", "output": "", "score": 1, "step": 1}');
    const read = await trajectories(verl, path, { codec, onNotice: (message) => notices.push(message) });
    expect(read[0]!.turns[0]!.tokens).toEqual([0]);
    expect(notices.join()).toContain('empty stand as one token');
  });
});

describe('a DataProto, written by integrations/verl/export.py', () => {
  it.each([
    ['verl-dataproto.jsonl', 'verl.jsonl'],
    ['verl-turns.jsonl', 'verl-turns.jsonl'],
  ])("%s gives verl's own GRPO advantages, token by token", (name, key) => {
    const all = own(name);
    for (const one of all) expect(trajectoryProblem(one)).toBeUndefined();
    const credits = creditByTrajectory(all, GRPO, 'none');
    for (const [row, { turns }] of all.entries()) {
      let at = 0;
      for (const [turn, { observation, tokens }] of turns.entries()) {
        if (turn > 0) at += observation!.tokens!.length;
        for (const value of credits[row]![turn]!) expect(value).toBeCloseTo(expected[key]![row]![at++]!, 5);
        expect(credits[row]![turn]).toHaveLength(tokens.length);
      }
    }
  });

  it('has what the trainer computed', () => {
    const [first] = own('verl-dataproto.jsonl');
    expect(first).toMatchObject({ group: 'uid-0', batch: 7, answers: ['Jane Austen'] });
    expect(first!.turns).toHaveLength(1);
    const [turn] = first!.turns;
    expect(Object.keys(turn!).sort()).toEqual(
      ['entropies', 'logprobs', 'observation', 'outputs', 'reward', 'tokens'].sort(),
    );
    expect(turn!.outputs!.critic![0]).toBeCloseTo(turn!.entropies![0]! / 10, 6);
    expect(codec.decode(turn!.observation!.tokens!)).toBe('Who wrote Emma?');
  });

  it('makes turns of what the mask leaves out, with the rewards between', () => {
    const [plain] = own('verl-dataproto.jsonl');
    const [first] = own('verl-turns.jsonl');
    const whole = plain!.turns[0]!.tokens;
    expect(first!.turns.map(({ tokens }) => tokens)).toEqual([whole.slice(0, 3), whole.slice(5)]);
    expect(first!.turns[1]!.observation!.tokens).toEqual(whole.slice(3, 5));
    expect(first!.turns.map(({ reward }) => reward)).toEqual([0.25, plain!.turns[0]!.reward]);
  });
});
