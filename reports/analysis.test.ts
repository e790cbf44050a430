import { describe, expect, it } from 'vitest';
import { analyze } from './analysis.ts';
import { madeCell, madeCells, withoutResult } from './cells.test-helper.ts';
import { analysisFiles } from './csv.ts';
import { markdownTable } from './paper-table.ts';

/** All that is written about cells, as texts. */
const filesOf = (cells: Parameters<typeof analyze>[0]) => analysisFiles(analyze(cells));

describe('paired comparisons', () => {
  it('go seed by seed, whatever the order, and leave out what has no partner', () => {
    const carl = madeCells('carl', [0.5, 0.7, 0.6, 0.9]).toReversed();
    const { pairs } = analyze([...madeCells('grpo', [0.4, 0.65, 0.5]), ...carl]);
    expect(pairs).toHaveLength(1);
    const [pair] = pairs;
    // Differences 0.1, 0.05, 0.1: mean 1/12, deviation 0.0288675; t(0.975, 2) = 4.302653.
    expect(pair).toMatchObject({
      algorithm: 'carl',
      baseline: 'grpo',
      pairs: 3,
      unpaired: 1,
      comparisons: 1,
    });
    expect(pair!.difference).toMatchObject({ method: 't', n: 3 });
    expect(pair!.difference!.value).toBeCloseTo(1 / 12, 12);
    expect(pair!.deviation).toBeCloseTo(Math.sqrt(1 / 1200), 12);
    expect(pair!.difference!.high! - pair!.difference!.value).toBeCloseTo(4.302653 / 60, 7);
    // t = 5 with two degrees of freedom.
    expect(pair!.p).toBeCloseTo(0.03774955, 7);
    expect(pair!.adjustedP).toBe(pair!.p);
    // Wins of (0.5, 0.7, 0.6) over (0.4, 0.65, 0.5): 1.5 + 3 + 2 of 9.
    expect(pair!.improvement!.value).toBeCloseTo(6.5 / 9, 12);
  });

  it('find more in pairs than without: seeds that are lucky together cancel', () => {
    const luck = [0.1, 0.5, 0.9, 0.3, 0.7];
    const shifted = luck.map((score, seed) => score + 0.02 + 0.001 * seed);
    const [paired] = analyze([...madeCells('grpo', luck), ...madeCells('carl', shifted)]).pairs;
    expect(paired!.p!).toBeLessThan(1e-3);
    const [crossed] = analyze([...madeCells('grpo', luck), ...madeCells('carl', shifted.toReversed())]).pairs;
    expect(crossed!.p!).toBeGreaterThan(0.9);
  });

  it("count every environment's comparisons in Holm's adjustment", () => {
    const scores = [0.1, 0.5, 0.9];
    const plus = (step: number) => scores.map((score, seed) => score + 0.05 + step * seed);
    const cells = ['one/v1', 'two/v1'].flatMap((environment) => [
      ...madeCells('grpo', scores, { environment }),
      ...madeCells('carl', plus(0.01), { environment }),
      ...madeCells('rloo', plus(0.05), { environment }),
    ]);
    const { pairs } = analyze(cells);
    expect(pairs.map(({ comparisons }) => comparisons)).toEqual([4, 4, 4, 4]);
    expect(pairs[0]!.adjustedP).toBeCloseTo(4 * pairs[0]!.p!, 12);
  });

  it('are with GRPO, with the baseline that is asked for, or else with the first', () => {
    const scores = [0.1, 0.5];
    const names = (cells: Parameters<typeof analyze>[0], baseline?: string) =>
      analyze(cells, baseline === undefined ? {} : { baseline }).pairs.map((pair) => [
        pair.algorithm,
        pair.baseline,
      ]);
    const cells = [
      ...madeCells('carl', scores),
      ...madeCells('wide', scores, { algorithmId: 'grpo/v1' }),
      ...madeCells('rloo', scores),
    ];
    expect(names(cells)).toEqual([
      ['carl', 'wide'],
      ['rloo', 'wide'],
    ]);
    expect(names(cells, 'rloo')).toEqual([
      ['carl', 'rloo'],
      ['wide', 'rloo'],
    ]);
    expect(names([...madeCells('b', scores), ...madeCells('a', scores)])).toEqual([['a', 'b']]);
    expect(() => names(cells, 'ppo')).toThrow("baseline: 'ppo' is not known; valid: carl, wide, rloo");
  });

  it('compare an algorithm of two runs with itself, and take GRPO from where it is', () => {
    const run = (index: number, name: string, day: string) =>
      madeCells(`${name} (${day})`, [0.1 + index / 10, 0.5], { entry: name, algorithmId: name, run: index });
    const cells = [
      ...run(0, 'grpo', 'monday'),
      ...run(0, 'carl', 'monday'),
      ...run(1, 'carl', 'tuesday'),
      ...madeCells('rloo', [0.3, 0.4], { run: 1 }),
    ];
    expect(analyze(cells).pairs.map((pair) => [pair.algorithm, pair.baseline])).toEqual([
      ['carl (monday)', 'grpo (monday)'],
      ['carl (tuesday)', 'grpo (monday)'],
      ['carl (tuesday)', 'carl (monday)'],
      ['rloo', 'grpo (monday)'],
    ]);
  });

  it('say what else differs', () => {
    const longer = madeCells('carl', [0.3, 0.5]).map((cell) => ({
      ...cell,
      metrics: [
        { iteration: 0, dev_f1: 0.1 },
        { ...cell.metrics[1]!, iteration: 20 },
      ],
    }));
    const [pair] = analyze([...madeCells('grpo', [0.1, 0.2]), ...longer]).pairs;
    expect(pair!.note).toBe('iterations differ; scores before training differ');
  });
});

describe('what is odd gives a sensible result or an error', () => {
  it('one seed: values, no intervals, nothing tested', () => {
    const { groups, pairs } = analyze([madeCell('grpo', 0, 0.4), madeCell('carl', 0, 0.5)]);
    expect(groups[1]!.score).toEqual({ value: 0.5, low: null, high: null, method: 'none', n: 1 });
    expect(pairs[0]).toMatchObject({
      p: null,
      adjustedP: null,
      comparisons: 0,
      improvement: null,
      note: 'one seed: no interval',
    });
    expect(pairs[0]!.difference!.value).toBeCloseTo(0.1, 12);
    expect(filesOf([madeCell('grpo', 0, 0.4)])['comparison.md']).toContain('no intervals');
  });

  it('one algorithm: no pairs', () => {
    const cells = madeCells('grpo', [0.4, 0.5]);
    expect(analyze(cells).pairs).toEqual([]);
    expect(filesOf(cells)['pairwise.csv']!.trimEnd().split('\n')).toHaveLength(1);
  });

  it('all cells failed: empty numbers, counted', () => {
    const cells = [withoutResult('grpo', 0, 'failed'), withoutResult('carl', 0, 'missing')];
    const { groups, pairs, profiles, unfinished } = analyze(cells);
    expect(groups.map(({ finished, failed, missing, score }) => [finished, failed, missing, score])).toEqual([
      [0, 1, 0, null],
      [0, 0, 1, null],
    ]);
    expect(pairs[0]).toMatchObject({
      pairs: 0,
      difference: null,
      p: null,
      note: 'no seed that both finished',
    });
    expect(profiles).toEqual([]);
    expect(unfinished).toHaveLength(2);
    expect(filesOf(cells)['comparison.md']).toContain('2 cells failed or not run');
  });

  it('a failed seed leaves its partner out of the difference', () => {
    const cells = [
      ...madeCells('grpo', [0.4, 0.5, 0.9]),
      ...madeCells('carl', [0.45, 0.6]),
      withoutResult('carl', 2, 'failed'),
    ];
    expect(analyze(cells).pairs[0]).toMatchObject({ pairs: 2, unpaired: 1 });
    expect(analyze(cells).pairs[0]!.difference!.value).toBeCloseTo(0.075, 12);
  });

  it('columns that are not there are no zeros', () => {
    const bare = madeCells('grpo', [0.4, 0.5]).map((cell) => ({
      ...cell,
      metrics: cell.metrics.map(({ iteration }) => ({ iteration: iteration! })),
    }));
    const { groups } = analyze(bare);
    expect(groups[0]).toMatchObject({
      score: null,
      f1: null,
      em: null,
      gain: null,
      auc: null,
      truncatedShare: null,
    });
    expect(groups[0]!.costs.update_actions).toEqual({ value: null, ratio: null });
    expect(filesOf(bare)['comparison.csv']).not.toContain('NaN');
  });

  it('what was sampled for questions that are not used is a cost of those that are', () => {
    const [cell] = madeCells('dapo', [0.5]);
    const rows = (questions_used: number | null) => [
      cell!.metrics[0]!,
      { ...cell!.metrics[1]!, questions: 8, questions_used, rollout_actions: 40 },
    ];
    const costAt = (questions_used: number | null) =>
      analyze([{ ...cell!, metrics: rows(questions_used) }]).groups[0]!.costs.rollout_actions.value;
    expect(costAt(4)).toBe(10);
    // Results without that column: all were used.
    expect(costAt(null)).toBe(5);
    expect(costAt(0)).toBeNull();
  });

  it('a score that is not a number stays one, without interval, test or verdict', () => {
    const cells = [...madeCells('grpo', [0.4, 0.5, 0.6]), ...madeCells('carl', [0.5, Number.NaN, 0.9])];
    const { groups, pairs } = analyze(cells, {
      threshold: 0.3,
      anchors: { 'walk/v1': { random: 0, oracle: 1 } },
    });
    for (const name of ['score', 'scoreIqm', 'f1', 'gain', 'auc', 'optimalityGap'] as const) {
      expect(groups[1]![name], name).toMatchObject({ value: Number.NaN, low: null, method: 'none' });
    }
    expect(groups[1]!.steps).toMatchObject({ reached: 2 });
    expect(pairs[0]).toMatchObject({ p: null, adjustedP: null, note: 'a score is not a number' });
    expect(pairs[0]!.difference!.value).toBeNaN();
    expect(pairs[0]!.improvement).toMatchObject({ value: Number.NaN, low: null });
    const json = JSON.parse(filesOf(cells)['results.json']!);
    expect(json.comparison[1]).toMatchObject({ score_mean: 'NaN', score_mean_low: null, dev_f1: 'NaN' });
    expect(json.pairwise[0]).toMatchObject({ difference: 'NaN', p: null });
  });

  it('two retrieval indexes: refused, or shown without pairs', () => {
    const cells = [
      ...madeCells('grpo', [0.4, 0.5], { options: { index: 'a' } }),
      ...madeCells('carl', [0.6, 0.8], { fingerprint: 'g', options: { index: 'b' } }),
    ];
    expect(() => analyze(cells)).toThrow('differing options: index "a" and "b"');
    const { groups, pairs } = analyze(cells, { allowMixed: true });
    expect(groups).toHaveLength(2);
    expect(pairs[0]).toMatchObject({
      pairs: 0,
      difference: null,
      improvement: null,
      note: 'different data or retrieval: not compared',
    });
  });

  it('seeds that all differ by the same: a difference, but no test', () => {
    const [pair] = analyze([...madeCells('grpo', [0.25, 0.5]), ...madeCells('carl', [0.5, 0.75])]).pairs;
    expect(pair).toMatchObject({ p: null, note: 'no spread: not tested', difference: { value: 0.25 } });
    const [same] = analyze([...madeCells('grpo', [0.25, 0.5]), ...madeCells('carl', [0.25, 0.5])]).pairs;
    expect(same).toMatchObject({ p: 1, improvement: { value: 0.5 } });
  });
});

describe('the declared score', () => {
  const RETURN = { name: 'return', range: [-2, 3] } as const;
  const returns = (algorithm: string, scores: readonly number[]) =>
    madeCells(algorithm, scores, { environment: 'world/v1', score: RETURN }).map((cell) => ({
      ...cell,
      // The F1 says the opposite, and is no score here.
      metrics: cell.metrics.map(({ dev_f1, ...row }) => ({ ...row, dev_return: dev_f1!, dev_f1: 0 })),
    }));
  const both = [...returns('grpo', [-1, 0]), ...returns('carl', [1, 2.5])];

  it('is what gains, pairs, areas and profiles are of', () => {
    const { groups, pairs, profiles } = analyze(both);
    expect(groups[1]).toMatchObject({
      declared: RETURN,
      score: { value: 1.75 },
      start: { value: 0.25 },
      gain: { value: 1.5 },
      auc: { value: 1 },
      f1: { value: 0 },
    });
    expect(pairs[0]).toMatchObject({ declared: RETURN, difference: { value: 2.25 } });
    const own = profiles.filter(({ algorithm }) => algorithm === 'carl');
    expect(own).toHaveLength(101);
    expect([own[0]!.threshold, own[50]!.threshold, own.at(-1)!.threshold]).toEqual([-2, 0.5, 3]);
    expect(own.map(({ share }) => share.value).filter((share, at, all) => share !== all[at - 1])).toEqual([
      1, 0.5, 0,
    ]);
    const csv = filesOf(both);
    expect(csv['comparison.csv']!.split('\n')[2]).toMatch(/^world\/v1,carl,return,2,0,0,10,1\.75,/);
    expect(csv['pairwise.csv']!.split('\n')[1]).toMatch(/^world\/v1,carl,grpo,return,2,0,2\.25,/);
    expect(csv['profiles.csv']!.split('\n')[1]).toMatch(/^world\/v1,grpo,return,-2,2,1,/);
    expect(csv['comparison.md']).toContain('| Dev return | IQM |');
    expect(csv['comparison.md']).toContain('Differences in dev return to grpo');
    expect(csv['comparison.md']).not.toContain('F1');
  });

  it('is named row by row where environments have different ones', () => {
    const cells = [...both, ...madeCells('grpo', [0.4, 0.5]), ...madeCells('carl', [0.5, 0.7])];
    const { groups } = analyze(cells);
    expect(groups.map(({ declared }) => declared?.name)).toEqual(['return', 'return', 'f1', 'f1']);
    const [head, , first, , third] = markdownTable(analyze(cells)).split('\n');
    expect(head).toContain('| Score | Seeds | Dev score |');
    expect(first).toContain('| world/v1 | grpo | dev return |');
    expect(third).toContain('| walk/v1 | grpo | dev F1 |');
  });

  it('has thresholds and anchors in its own range', () => {
    const cells = [...both, ...madeCells('grpo', [0.4, 0.5])];
    expect(() => analyze(cells, { threshold: 4 })).toThrow(
      'threshold: 4 is not valid; valid: dev return from -2 to 3, or dev F1 from 0 to 1',
    );
    // Within one of the ranges: counted there.
    const steps = analyze(cells, { threshold: -1.5 }).groups.map((group) => group.steps?.reached ?? null);
    expect(steps).toEqual([2, 2, null]);
    const anchored = (random: number, oracle: number) =>
      analyze(cells, { anchors: { 'world/v1': { random, oracle } } }).groups[0]!.optimalityGap;
    expect(anchored(-2, 2)!.value).toBeCloseTo(0.625, 12);
    expect(() => anchored(-3, 2)).toThrow(
      'anchors: world/v1: random -3 and oracle 2 are not valid; valid: dev return from -2 to 3',
    );
  });

  it('of before and after an environment declared one is not compared', () => {
    const [pair] = analyze([
      ...returns('grpo', [-1, 0]),
      ...madeCells('carl', [0.4, 0.5], { environment: 'world/v1' }),
    ]).pairs;
    expect(pair).toMatchObject({ pairs: 0, p: null, note: 'different scores: not compared' });
  });

  it('of cells that did not finish is that of their environment', () => {
    const { groups } = analyze([...both, { ...withoutResult('rloo', 0, 'failed'), environment: 'world/v1' }]);
    expect(groups[2]!.declared).toEqual(RETURN);
    expect(analyze([withoutResult('rloo', 0, 'failed')]).groups[0]!.declared).toBeNull();
  });
});

describe('cells that two folders share', () => {
  const run = (index: number, name: string, scores: readonly number[], from = index) =>
    madeCells(`${name} (${index})`, scores, { entry: name, algorithmId: name, run: index }).map((cell) => ({
      ...cell,
      cell: `${name} ${cell.seed < 3 ? from : index} ${cell.seed}`,
    }));
  const first = [...run(0, 'grpo', [0.1, 0.5, 0.3]), ...run(0, 'carl', [0.2, 0.7, 0.35])];

  it('are not compared with themselves, and one test counts once', () => {
    const again = [...run(1, 'grpo', [0.1, 0.5, 0.3], 0), ...run(1, 'carl', [0.2, 0.7, 0.35], 0)];
    const { pairs } = analyze([...first, ...again]);
    const alone = analyze(first).pairs;
    expect(
      pairs.map(({ algorithm, baseline, pairs: count, p, note }) => [
        algorithm,
        baseline,
        count,
        p !== null,
        note,
      ]),
    ).toEqual([
      ['carl (0)', 'grpo (0)', 3, true, null],
      ['grpo (1)', 'grpo (0)', 0, false, '3 cells are the same in both: not compared'],
      ['carl (1)', 'grpo (1)', 3, false, 'the same cells as carl (0) against grpo (0): not tested again'],
      ['carl (1)', 'carl (0)', 0, false, '3 cells are the same in both: not compared'],
    ]);
    expect(pairs[0]).toMatchObject({ comparisons: 1, adjustedP: alone[0]!.p });
  });

  it('are left out where others are compared', () => {
    const more = run(1, 'grpo', [0.1, 0.5, 0.3, 0.8, 0.9], 0);
    const other = run(0, 'grpo', [0.1, 0.5, 0.3, 0.6, 0.8]);
    const [pair] = analyze([...other, ...more]).pairs;
    expect(pair).toMatchObject({ pairs: 2, note: '3 cells are the same in both: not compared' });
    expect(pair!.difference!.value).toBeCloseTo(0.15, 12);
  });
});

describe('settings', () => {
  it('threshold and anchors are checked', () => {
    const cells = madeCells('grpo', [0.4]);
    expect(() => analyze(cells, { threshold: 1.5 })).toThrow('threshold: 1.5 is not valid; valid: dev F1');
    expect(() => analyze(cells, { anchors: { other: { random: 0, oracle: 1 } } })).toThrow(
      "anchors: no cell is of environment 'other'; valid: walk/v1",
    );
  });

  it('steps to a threshold: seeds that never arrive count', () => {
    const [group] = analyze(madeCells('grpo', [0.4, 0.2, 0.3]), { threshold: 0.3 }).groups;
    expect(group!.steps).toMatchObject({
      reached: 2,
      median: 10,
      horizon: 10,
      restrictedMean: { value: 10 },
    });
    const never = analyze(madeCells('grpo', [0.4, 0.2, 0.3]), { threshold: 0.35 }).groups[0]!.steps;
    expect(never).toMatchObject({ reached: 1, median: null });
  });

  it('the optimality gap is between the anchors', () => {
    const anchors = { 'walk/v1': { random: 0.2, oracle: 0.7 } };
    const [group] = analyze(madeCells('grpo', [0.45, 0.9]), { anchors }).groups;
    expect(group!.optimalityGap!.value).toBeCloseTo(0.25, 12);
  });

  it('the same cells and seed give the same files', () => {
    const scores = Array.from({ length: 12 }, (_, seed) => ((seed * 7) % 12) / 12);
    const cells = [...madeCells('grpo', scores), ...madeCells('carl', scores.toReversed())];
    expect(filesOf(cells)).toEqual(filesOf(cells));
    expect(analyze(cells).groups[0]!.score!.method).toBe('BCa');
    expect(analyze(cells, { seed: 1 }).groups[0]!.score!.low).not.toBe(analyze(cells).groups[0]!.score!.low);
  });
});
