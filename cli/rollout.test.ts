import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Episode } from '../bench/rollout/episode.ts';
import { callCreditbench } from './call.test-helper.ts';
import { renderEpisode } from './rollout.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-rollout-'));
});
afterAll(() => rm(folder, { recursive: true }));

const EPISODE: Episode = {
  question: 'Who\u001b[31m is it?',
  answers: ['She'],
  turns: [
    {
      observation: 'Question: Who is it?\n',
      action: '<answer> he </answer>',
      entropy: 1.5,
      logProb: -0.75,
      cut: true,
      observationCut: true,
      reward: 0,
      tokens: [
        { text: '<answer>', logProb: -0.25, entropy: 0.5 },
        { text: ' he\u0007', logProb: -0.5, entropy: 1 },
      ],
    },
  ],
  end: 'truncated',
  answer: 'he',
  return: 0,
  f1: 0,
  em: 0,
  metrics: { tool_calls: 1, gold_recall: null },
};

describe('renderEpisode', () => {
  it('tells a story, without what could steer a terminal', () => {
    expect(renderEpisode(EPISODE, { tokens: true })).toBe(
      [
        'question: Who[31m is it?',
        'accepted: She',
        '',
        '-- turn 1 reads (cut at the limit)',
        'Question: Who is it?',
        '-- turn 1 writes (entropy 1.50 nats, log-probability -0.75, 2 tokens, cut at the limit)',
        '<answer> he </answer>',
        '   token entropies: "<answer>" 0.50 " he" 1.00',
        '',
        'truncated: stopped by a limit',
        'return 0.00, F1 0.00, EM 0',
        'tool_calls 1, gold_recall -',
      ].join('\n'),
    );
    expect(renderEpisode(EPISODE, { tokens: false })).not.toContain('token entropies');
  });
});

describe('creditbench rollout', () => {
  const rollout = (...args: readonly string[]) => callCreditbench(folder, ['rollout', ...args]);

  it('prints an episode of a listed environment, the same for the same seed', async () => {
    const one = await rollout('stop-or-search', '--seed', '1');
    const again = await rollout('stop-or-search', '--seed', '1');
    const other = await rollout('stop-or-search', '--seed', '2', '--json');
    expect(one.code).toBe(0);
    expect(one.stdout).toMatch(/-- turn 1 writes \(entropy 0\.69 nats, log-probability -0\.69\)/);
    expect(again.stdout).toBe(one.stdout);
    const episode = JSON.parse(other.stdout) as Episode;
    expect(episode.turns[0]!.tokens[0]!.entropy).toBeCloseTo(Math.LN2, 12);
  });

  it.each([
    [['nowhere'], "unknown environment 'nowhere'; valid: "],
    [['stop-or-search', '--split', 'all'], "--split: 'all' is not valid; valid: train, dev, test"],
    [['stop-or-search', '--question', '99'], '--question: there is no question 99 in dev; valid: 0 to'],
    [['stop-or-search', '--question', 'why?'], "--question: 'why?' is not a question of stop-or-search"],
    [['stop-or-search', '--suite', 'quick'], '--suite: suite quick has no environment stop-or-search'],
  ])('ends %j with exit code 2 and says why', async (args, message) => {
    const { code, stderr, stdout } = await rollout(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});
