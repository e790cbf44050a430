import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { type ProfiledUnit, type ProfileRequest, profile, runUnit } from './profile.ts';
import { unitHash } from './store.ts';
import { profileRow, summarize, toldApart } from './summary.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'creditbench-profile-'));
});
afterAll(() => rm(folder, { recursive: true }));

const SMALL: ProfileRequest = {
  algorithms: ['carl'],
  experiments: ['unreliable-tool', 'confident-mistake'],
  seeds: 2,
  quick: true,
};

describe('profile', () => {
  it('keeps finished units and goes on from them to the same result', async () => {
    const whole = await profile(SMALL, CATALOG);
    const controller = new AbortController();
    const interrupted = profile(SMALL, CATALOG, {
      out: folder,
      signal: controller.signal,
      onProgress: ({ done, total }) => {
        if (done > total / 2) controller.abort();
      },
    });
    await expect(interrupted).rejects.toThrow('abort');
    const kept = await readdir(join(folder, 'units'));
    expect(kept.length).toBe(2);
    await writeFile(join(folder, 'units', kept[0]!), 'damaged');
    const steps: number[] = [];
    const resumed = await profile(SMALL, CATALOG, {
      out: folder,
      onProgress: ({ done }) => steps.push(done),
    });
    expect(resumed).toEqual(whole);
    // Four units of 2 levels x (4 rates + 2 seeds); one was kept and counts as one step.
    expect(steps).toHaveLength(3 * 12 + 1);
    expect(steps.at(-1)).toBe(48);
    const none: number[] = [];
    await profile(SMALL, CATALOG, { out: folder, onProgress: ({ done }) => none.push(done) });
    expect(none).toEqual([12, 24, 36, 48]);
  });

  it('knows a unit by the content of users’ code, not by its name', () => {
    const unit = (source: string, sha256: string) =>
      unitHash({
        ...{ name: source, algorithm: source, experiment: 'late', seeds: 2, quick: true },
        choice: { id: 'mine', options: {}, code: { source, sha256 } },
      });
    expect(unit('./b.ts', 'a')).toBe(unit('./a.ts', 'a'));
    expect(unit('./a.ts', 'b')).not.toBe(unit('./a.ts', 'a'));
  });

  it('gives the same with several units at the same time, in the same order', async () => {
    const executor = {
      capacity: 3,
      execute: (unit: Parameters<typeof runUnit>[0], onRun: () => void) => runUnit(unit, CATALOG, onRun),
    };
    const together = await profile(SMALL, CATALOG, { executor });
    expect(together).toEqual(await profile(SMALL, CATALOG));
    expect(together.map(({ algorithm, experiment }) => [algorithm, experiment])).toEqual([
      ['grpo', 'unreliable-tool'],
      ['grpo', 'confident-mistake'],
      ['carl', 'unreliable-tool'],
      ['carl', 'confident-mistake'],
    ]);
  });

  it.each<[string, Partial<ProfileRequest>, string]>([
    ['experiments', { experiments: ['nope'] }, "unknown experiment 'nope'; valid: horizon, late, "],
    ['algorithms', { algorithms: ['nope'] }, "unknown algorithm 'nope'; valid: a2tgpo, "],
    ['numbers of seeds', { seeds: 1 }, 'seeds is 1; valid: whole number of at least 2'],
  ])('refuses unknown %s', async (_, change, message) => {
    await expect(profile({ ...SMALL, ...change }, CATALOG)).rejects.toThrow(message);
  });
});

describe('summarize', () => {
  const unit = (algorithm: string, experiment: string, scores: readonly number[]): ProfiledUnit => ({
    algorithm,
    experiment,
    rate: 0.2,
    rates: [
      { rate: 0.1, score: 0.5 },
      { rate: 0.2, score: 0.8 },
      { rate: 0.4, score: 0.77 },
      { rate: 0.8, score: -0.1 },
    ],
    // Two levels, whose mean is the seed's score.
    runs: scores.flatMap((score, seed) =>
      [0.1, -0.1].map((shift, level) => ({
        ...{ level, seed, score: score + shift, final: 1 },
        ...{ rankCorrelation: level === 0 ? null : 0.5, signErrors: 0.25, leakage: 0.75 },
      })),
    ),
  });

  it('compares seeds in pairs with GRPO, and adjusts over all comparisons', () => {
    const grpo = [0.5, 0.6, 0.7, 0.8];
    const [base, better, same] = summarize([
      unit('grpo', 'one', grpo),
      unit('mine', 'one', [0.61, 0.69, 0.81, 0.9]),
      unit('other', 'one', [0.52, 0.58, 0.71, 0.79]),
    ]);
    expect(base).toMatchObject({ difference: null, p: null, adjustedP: null, rateTolerance: 0.5 });
    expect(better!.difference!.value).toBeCloseTo(0.1025, 12);
    expect(better!.adjustedP).toBeCloseTo(2 * better!.p!, 12);
    expect([toldApart(better!), toldApart(same!), toldApart(base!)]).toEqual([1, 0, 0]);
    const [, close] = summarize([
      unit('grpo', 'one', grpo),
      unit('mine', 'one', [0.501, 0.601, 0.701, 0.8011]),
    ]);
    expect(close!.adjustedP).toBeLessThan(0.05);
    expect(toldApart(close!)).toBe(0);
    expect(profileRow(better!)).toMatchObject({
      score: expect.closeTo(0.7525, 12),
      rates_within: 0.5,
      rank_correlation: 0.5,
      leakage: 0.75,
    });
  });
});
