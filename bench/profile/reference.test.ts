import { describe, expect, it } from 'vitest';
import { madeUpUnits } from './made-up.test-helper.ts';
import { summarizeReference, withReference } from './reference.ts';
import { summarize } from './summary.ts';

const GRPO = [0, 0] as const;
const own = madeUpUnits({ methods: { grpo: GRPO, mine: [0.2, 0.01] } });
const shipped = madeUpUnits({ methods: { grpo: GRPO, carl: [-0.2, 0.01], ppo: [0.1, 0.01] } });
const names = (units: readonly { readonly algorithm: string; readonly experiment: string }[]) =>
  units.map(({ algorithm, experiment }) => `${algorithm} ${experiment}`);

describe('withReference', () => {
  it('sets methods that the run does not have beside it, and leaves its own alone', () => {
    const profile = withReference(own, shipped);
    expect(profile.units).toBe(own);
    expect(names(profile.reference)).toEqual(['carl late', 'carl noise', 'ppo late', 'ppo noise']);
    expect(profile).toMatchObject({ leftOut: [], changed: [] });
    expect(withReference(own, [])).toEqual({ units: own, reference: [], leftOut: [], changed: [] });
    expect(withReference([], shipped).reference).toEqual([]);
  });

  it('looks at the experiments of the run only', () => {
    const late = own.filter(({ experiment }) => experiment === 'late');
    expect(names(withReference(late, shipped).reference)).toEqual(['carl late', 'ppo late']);
  });

  it('leaves out other levels, and units that lack seeds', () => {
    const quick = madeUpUnits({ methods: { grpo: GRPO }, levels: [8, 32] });
    expect(withReference(quick, shipped)).toMatchObject({
      reference: [],
      leftOut: names(shipped)
        .filter((name) => !name.startsWith('grpo'))
        .map((name) => ({ algorithm: name.split(' ')[0], because: 'levels' })),
    });
    const more = madeUpUnits({ methods: { grpo: GRPO }, experiments: ['late'], seeds: 6 });
    expect(withReference(more, shipped)).toMatchObject({
      reference: [],
      leftOut: [
        { algorithm: 'carl', experiment: 'late', because: 'seeds' },
        { algorithm: 'ppo', experiment: 'late', because: 'seeds' },
      ],
    });
  });

  it('keeps the runs of the seeds of the run, in their order', () => {
    const few = madeUpUnits({ methods: { grpo: GRPO }, experiments: ['late'], seeds: 3 });
    const shuffled = shipped.map((unit) => ({ ...unit, runs: unit.runs.toReversed() }));
    const { reference } = withReference(few, shuffled);
    expect(reference[0]!.runs.map(({ level, seed }) => [level, seed])).toEqual(
      few[0]!.runs.map(({ level, seed }) => [level, seed]),
    );
    const found = shipped.find(({ algorithm }) => algorithm === 'carl')!.runs;
    for (const run of reference[0]!.runs) expect(found).toContain(run);
  });

  it('says which methods of the run the reference has with other scores', () => {
    const other = madeUpUnits({ methods: { grpo: [0.1, 0], mine: [0.2, 0.01] } });
    expect(names(withReference(own, other).changed)).toEqual(['grpo late', 'grpo noise']);
    expect(withReference(own, other).reference).toEqual([]);
  });
});

describe('summarizeReference', () => {
  it('compares with the GRPO of the run, and tests nothing', () => {
    const profile = withReference(own, shipped);
    const [carl] = summarizeReference(profile);
    expect(carl).toMatchObject({ algorithm: 'carl', experiment: 'late', adjustedP: null });
    expect(carl!.difference!.value).toBeCloseTo(-0.2, 2);
    expect(carl!.p).toBeLessThan(0.001);
    // Holm's adjustment of the run counts the two comparisons that were asked for.
    const mine = summarize(profile.units).filter(({ algorithm }) => algorithm === 'mine');
    expect(Math.max(...mine.map(({ p, adjustedP }) => adjustedP! / p!))).toBeLessThanOrEqual(2);
  });
});
