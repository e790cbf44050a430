import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { atif } from './atif.ts';
import { codec, fixture, temporaryFiles, trajectories } from './readers.test-helper.ts';

const file = temporaryFiles();
const base = () => JSON.parse(readFileSync(fixture('atif.json'), 'utf8'));

describe('trajectories of Harbor', () => {
  it('are turns with the ids that are new in each context', async () => {
    const [one] = await trajectories(atif, fixture('atif.json'));
    expect(one).toEqual({
      format: 'creditbench-trajectory',
      version: 1,
      group: 'nile',
      id: 'a0',
      question: 'Where is the Nile?',
      turns: [
        {
          observation: { tokens: [1, 2, 3, 4], text: 'Where is the Nile?' },
          tokens: [20, 21],
          text: expect.stringMatching(/^Hm\.\nI look\.\n\{.*"function_name":"search"/),
          logprobs: [-0.5, -0.25],
        },
        {
          observation: { tokens: [13, 14, 4], text: 'A river in Africa.' },
          tokens: [30, 31],
          text: 'Africa',
          logprobs: [-1, -2],
          reward: 0.125,
        },
      ],
      reward: 1,
    });
  });

  it('are read from lines, 1.7 and 1.8, with rewards of several names', async () => {
    const read = await trajectories(atif, fixture('atif.jsonl'));
    expect(read.map(({ id, group, reward }) => [id, group, reward])).toEqual([
      ['a0', 'nile', 1],
      ['a1', 'nile', 0.25],
    ]);
    const list = file(
      'list.json',
      `[${readFileSync(fixture('atif.jsonl'), 'utf8').trim().replace('\n', ',\n')}]`,
    );
    expect(await trajectories(atif, list)).toEqual(read);
  });

  it('are read as one object whatever the file is called', async () => {
    const path = file('spooled', readFileSync(fixture('atif.json')));
    expect(await trajectories(atif, path)).toEqual(await trajectories(atif, fixture('atif.json')));
  });

  it('have the reward in a field that the user names', async () => {
    const path = file(
      'named.json',
      JSON.stringify({ ...base(), extra: { task: 'x', score: { f1: 0.5, em: true } } }),
    );
    await expect(
      trajectories(
        atif,
        file('without.json', JSON.stringify({ ...base(), extra: {}, steps: base().steps.slice(0, 2) })),
      ),
    ).rejects.toThrow(
      /no reward in extra\.reward, extra\.rewards, final_metrics\.extra\.reward, .*steps\[\]\.extra\.reward.*--reward FIELD=WEIGHT/,
    );
    const [one] = await trajectories(atif, path, { rewards: { 'extra.score.f1': 2, 'extra.score.em': 1 } });
    expect(one).toMatchObject({ reward: 2, group: 'x' });
    await expect(trajectories(atif, path, { rewards: { 'extra.nothing': 1 } })).rejects.toThrow(
      /no reward in extra\.nothing/,
    );
    await expect(trajectories(atif, path, { rewards: { 'extra.task': 1 } })).rejects.toThrow(
      /extra\.task is no reward; valid/,
    );
  });

  it('without ids are read with a tokenizer, and refused without', async () => {
    const document = base();
    for (const step of document.steps) delete step.metrics;
    const path = file('texts.json', JSON.stringify(document));
    await expect(trajectories(atif, path)).rejects.toThrow(
      /texts\.json, the object: steps\[1\]\.message is a text without/,
    );
    const opening = { ...codec, opening: (text: string) => [1, ...codec.encode(text)] };
    const [one] = await trajectories(atif, path, { codec: opening });
    expect(one!.turns[0]!.observation!.tokens).toEqual([1, ...codec.encode('Where is the Nile?')]);
    expect(one!.turns[1]!.tokens).toEqual(codec.encode('Africa'));
  });

  it('count what no model wrote, and what was copied, as read', async () => {
    const document = base();
    delete document.steps[1].metrics;
    document.steps[1].llm_call_count = 0;
    const [one] = await trajectories(atif, file('dispatch.json', JSON.stringify(document)));
    expect(one!.turns).toHaveLength(1);
    expect(one!.turns[0]!.observation!.text).toContain('I look.');
    const copied = base();
    copied.steps[1].is_copied_context = true;
    expect((await trajectories(atif, file('copied.json', JSON.stringify(copied))))[0]!.turns).toHaveLength(1);
  });

  it('say when a context was rewritten', async () => {
    const document = base();
    document.steps[2].metrics.prompt_token_ids = [9, 9];
    const notices: string[] = [];
    const [one] = await trajectories(atif, file('rewritten.json', JSON.stringify(document)), {
      onNotice: (message) => notices.push(message),
    });
    expect(one!.turns[1]!.observation!.tokens).toEqual([9, 9]);
    expect(notices.join()).toContain('do not go on from the turn before');
  });

  it.each([
    ['another version', { schema_version: 'ATIF-v2.0' }, /schema_version: valid: ATIF-v1\.0 to ATIF-v1\.8/],
    [
      'an unknown source',
      { steps: [{ source: 'robot', message: 'x' }] },
      /steps\[0\]\.source: valid: 'system', 'user' or 'agent'/,
    ],
    [
      'log-probabilities of another number',
      { steps: [{ source: 'agent', message: 'x', metrics: { completion_token_ids: [1], logprobs: [] } }] },
      /steps\[0\]\.metrics\.logprobs has 0 elements; valid: 1/,
    ],
    ['no steps', { steps: undefined }, /steps: no list/],
  ])('with %s are refused', async (_, changed, message) => {
    await expect(
      trajectories(atif, file('bad.json', JSON.stringify({ ...base(), ...changed }))),
    ).rejects.toThrow(message);
  });

  it('that are broken are refused with the line', async () => {
    const text = readFileSync(fixture('atif.json'), 'utf8');
    await expect(trajectories(atif, file('broken.json', text.slice(0, 900)))).rejects.toThrow(
      /broken\.json, line \d\d: broken JSON at column \d+/,
    );
  });
});
