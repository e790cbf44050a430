import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configured } from '../../../algorithms/configured.ts';
import { grpo } from '../../../algorithms/grpo/index.ts';
import { int64, list, parquet, struct, text } from '../../../envs/data/files/parquet.test-helper.ts';
import { parquetRows } from '../../../envs/data/files/parquet.ts';
import { codec, creditByTrajectory, fixture, temporaryFiles, trajectories } from './readers.test-helper.ts';
import { trl } from './trl.ts';

const file = temporaryFiles();
/** As TRL adds it to the standard deviation. */
const GRPO = configured(grpo, { epsilon: 1e-4 });
const REWARDS = { share_of_letters: 1, short: 0.5 };

const number = (name: string) => [{ name, type: 'DOUBLE' as const, repetition_type: 'OPTIONAL' as const }];
const COLUMNS = [
  int64('step'),
  text('prompt'),
  text('completion'),
  number('a'),
  number('b'),
  number('advantage'),
];
const row = { step: 1n, prompt: 'q', completion: 'x', a: 1, b: 0.5, advantage: 0 };

describe("completions of TRL's own GRPOTrainer", () => {
  it("give TRL's own advantages", async () => {
    const advantages: number[] = [];
    for await (const { value } of parquetRows(fixture('trl.parquet'), ['advantage'])) {
      advantages.push((value as { advantage: number }).advantage);
    }
    const read = await trajectories(trl, fixture('trl.parquet'), { codec, rewards: REWARDS });
    expect(read).toHaveLength(8);
    expect(new Set(read.map(({ group }) => group)).size).toBe(2);
    const credits = creditByTrajectory(read, GRPO, 'turns');
    for (const [index, [credit]] of credits.entries()) {
      // TRL divides in float32.
      for (const value of credit!) expect(Math.abs(value - advantages[index]!)).toBeLessThan(2e-5);
    }
    expect(new Set(advantages).size).toBeGreaterThan(5);
  });

  it('are read with every column of numbers as a reward, which is said', async () => {
    const notices: string[] = [];
    const read = await trajectories(trl, fixture('trl.parquet'), {
      codec,
      onNotice: (message) => notices.push(message),
    });
    expect(read[0]).toMatchObject({ batch: 2, id: '0' });
    expect(notices.join()).toContain('the reward is share_of_letters + short: ');
  });

  it('are refused without a tokenizer, or with a reward that is not there', async () => {
    await expect(trajectories(trl, fixture('trl.parquet'))).rejects.toThrow(
      /row 1: prompt is a text .*--tokenizer/,
    );
    await expect(
      trajectories(trl, fixture('trl.parquet'), { codec, rewards: { correct: 1 } }),
    ).rejects.toThrow(/no column of numbers 'correct' \(--reward\); valid: share_of_letters, short/);
  });

  it('leave out rows without any reward, as TRL does, and count a missing one 0', async () => {
    const rows = [
      { ...row, a: Number.NaN, b: 0.25 },
      { ...row, a: null, b: Number.NaN },
    ];
    const notices: string[] = [];
    const path = file('nan.parquet', parquet(COLUMNS, rows));
    const read = await trajectories(trl, path, { codec, onNotice: (message) => notices.push(message) });
    expect(read.map(({ id, reward }) => [id, reward])).toEqual([['0', 0.25]]);
    expect(notices.join()).toContain('left out');
  });

  it('are refused with an infinite reward', async () => {
    const path = file('infinite.parquet', parquet(COLUMNS, [row, { ...row, a: Number.POSITIVE_INFINITY }]));
    await expect(trajectories(trl, path, { codec })).rejects.toThrow(/row 2: a: valid: finite numbers/);
  });

  it('are groups by the prompts that stand together', async () => {
    const prompts = ['x', 'x', 'y', 'x', 'x'];
    const rows = [...prompts.map((prompt) => ({ ...row, prompt })), { ...row, prompt: 'x', step: 2n }];
    const read = await trajectories(trl, file('groups.parquet', parquet(COLUMNS, rows)), { codec });
    const groups = read.map(({ group }) => group);
    expect(new Set(groups).size).toBe(4);
    expect(groups[0]).toBe(groups[1]);
    expect(groups[3]).toBe(groups[4]);
    expect(groups[0]).not.toBe(groups[3]);
    expect(read.map(({ batch }) => batch)).toEqual([1, 1, 1, 1, 1, 2]);
  });

  it('of conversations are turns, with what tools said between them', async () => {
    const messages = (name: string) => list(name, struct('element', text('role'), text('content')));
    const columns = [
      int64('step'),
      messages('prompt'),
      messages('completion'),
      number('a'),
      number('advantage'),
    ];
    const rows = [
      {
        ...row,
        prompt: [{ role: 'user', content: 'Where is it?' }],
        completion: [
          { role: 'assistant', content: 'look' },
          { role: 'tool', content: 'in Africa' },
          { role: 'assistant', content: 'Africa' },
        ],
      },
    ];
    const path = file('talk.parquet', parquet(columns, rows));
    const opening = { ...codec, opening: (said: string) => [1, ...codec.encode(said), 2] };
    const [first] = await trajectories(trl, path, { codec: opening });
    expect(first!.question).toBe('Where is it?');
    expect(first!.turns.map(({ observation, tokens }) => [observation!.tokens, tokens])).toEqual([
      [[1, ...codec.encode('Where is it?'), 2], codec.encode('look')],
      [codec.encode('in Africa'), codec.encode('Africa')],
    ]);
    const silent = parquet(columns, [{ ...rows[0]!, completion: [{ role: 'user', content: 'x' }] }]);
    await expect(trajectories(trl, file('silent.parquet', silent), { codec })).rejects.toThrow(
      /row 1: completion has no message of the assistant/,
    );
  });

  it('are refused without a column of rewards, or as another file', async () => {
    const path = file('none.parquet', parquet(COLUMNS.slice(0, 3), [row]));
    await expect(trajectories(trl, path, { codec })).rejects.toThrow(/no column of rewards/);
    const bytes = readFileSync(fixture('trl.parquet'));
    await expect(trajectories(trl, file('cut.parquet', bytes.subarray(0, 3000)), { codec })).rejects.toThrow(
      /broken Parquet/,
    );
  });
});
