import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import { packageInfo } from '../../core/package.ts';
import { installed, missing } from '../../policies/servers.test-helper.ts';

const FOLDER = join(packageInfo().root, 'integrations', 'python');

/** What a script of tests/ prints. */
function run<T>(script: string): T {
  const main = join(packageInfo().root, 'dist', 'cli', 'main.js');
  const text = execFileSync(installed('peers', 'bin', 'python'), [join('tests', script)], {
    cwd: FOLDER,
    env: { ...process.env, PYTHONPATH: FOLDER, CREDITBENCH_BIN: `'${process.execPath}' '${main}'` },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(text.trim().split('\n').at(-1)!);
}

type Differences = Readonly<Record<string, number>>;
/** Those whose names match, each with its name. */
const matching = (differences: Differences, pattern: RegExp): readonly (readonly [string, number])[] =>
  Object.entries(differences).filter(([name]) => pattern.test(name));

function expectBelow(differences: Differences, pattern: RegExp, count: number, limit: number): void {
  const found = matching(differences, pattern);
  expect(found.length).toBe(count);
  expect(found.filter(([, difference]) => !(difference <= limit))).toEqual([]);
}

const reason = missing('peers/ready');
const title = (name: string): string => `${name}${reason === undefined ? '' : ` (${reason})`}`;

describe.skipIf(reason !== undefined)(title('verl'), () => {
  let said: {
    readonly registered: readonly string[];
    readonly differences: Differences;
    readonly outcomes: Readonly<Record<string, number | string>>;
    readonly warnings: readonly string[];
    readonly options: number;
    readonly optionsDiffer: number;
    readonly withoutIds: string;
    readonly merged: number;
  };
  beforeAll(() => {
    said = run('with_verl.py');
  }, 600_000);

  it('has every rule as an estimator', () => {
    expect(said.registered).toEqual(ALGORITHMS.map(({ id }) => `creditbench/${id}`));
  });

  it('says the same by its own estimators, on one turn and several', () => {
    // 5 estimators and the returns of one.
    expectBelow(said.differences, /^float64 (turns|one-turn) /, 12, 1e-6);
    expectBelow(said.differences, /^float64 (turns|one-turn) rloo/, 2, 1e-12);
    expectBelow(said.differences, /^float32 (turns|one-turn) /, 12, 3e-6);
  });

  it('says something else where a choice differs, and only there', () => {
    const at = (name: string) => said.differences[name]!;
    // Equal rewards: 0, and not the rounding of float32 over its epsilon.
    expectBelow(said.differences, /^float64 equal /, 6, 1e-6);
    expect(at('float32 equal grpo')).toBeCloseTo(0.0556, 3);
    // A rollout without tokens: a token in the whitening of the one that needs its group.
    expectBelow(said.differences, /^float64 empty-row (grpo|rloo|reinforce-pp|ppo|returns)$/, 5, 1e-6);
    expect(at('float64 empty-row reinforce-pp-baseline')).toBeCloseTo(0.0239, 3);
    // Rewards inside turns: no difference where only their sum counts.
    expectBelow(said.differences, /^float64 inside (grpo|rloo|reinforce-pp-baseline)$/, 3, 1.2e-6);
    expect(at('float64 inside reinforce-pp')).toBeGreaterThan(0.1);
    expect(at('float64 inside ppo')).toBeGreaterThan(0.1);
    const inside = said.warnings.filter((text) => text.includes('rewards inside of turns'));
    expect(inside.length).toBe(5);
  });

  it('says of every rule what it lacks, or an advantage', () => {
    const enough = Object.entries(said.outcomes).filter(([, outcome]) => typeof outcome === 'number');
    const trained = enough.filter(([, share]) => (share as number) > 0.5).map(([id]) => id);
    expect(trained.join(' ')).toBe(
      'aipo akbe arpo dapo dr-grpo eapo grpo gspo ppo random-credit reinforce reinforce-pp reinforce-pp-baseline rloo shuffled-credit treerl',
    );
    const nothing = enough.filter(([, share]) => share === 0).map(([id]) => id);
    expect(nothing).toEqual(['carl', 'carl-exact', 'carl-lite']);
    expect(said.warnings.filter((text) => text.includes('trains nothing of this batch')).length).toBe(3);
    expect(said.outcomes.gigpo).toBe(
      'creditbench/gigpo: the batch lacks texts of what was read (observation.text)',
    );
    expect(said.outcomes['tao-rl']).toContain('(entropies)');
    expect(said.outcomes.vineppo).toContain('rollouts of a later round');
  });

  it("takes options from its configuration, and ids from the trainer's batch", () => {
    expect(said.options).toBe(0);
    expect(said.optionsDiffer).toBeGreaterThan(0.05);
    expect(said.withoutIds).toContain("merge 'turns' needs the ids of the tokens");
    // Merged turns are credited once for each of their rollouts.
    expect(said.merged).toBeLessThan(1e-6);
  });
});

describe.skipIf(reason !== undefined)(title('SkyRL'), () => {
  let said: { readonly registered: number; readonly differences: Differences; readonly eapo: number };
  beforeAll(() => {
    said = run('with_skyrl.py');
  }, 600_000);

  it('has every rule as an estimator, which finds log-probabilities in the batch of the trainer', () => {
    expect(said.registered).toBe(ALGORITHMS.length);
    expect(said.eapo).toBeGreaterThan(0.1);
  });

  it('says the same by its own estimators', () => {
    expectBelow(said.differences, /^float64 (direct|trainer) one-turn (?!rloo alone)/, 10, 1e-6);
    expectBelow(said.differences, /^float32 (direct|trainer) one-turn (?!rloo alone)/, 10, 3e-6);
    expectBelow(said.differences, /^float64 trainer turns (grpo|rloo)$/, 2, 1e-6);
  });

  it('says something else where a choice differs', () => {
    const at = (name: string) => said.differences[name]!;
    // What was read between turns counts as steps in SkyRL.
    expect(at('float64 trainer turns reinforce-pp')).toBeGreaterThan(0.1);
    expect(at('float64 trainer turns ppo')).toBeGreaterThan(0.1);
    expect(at('float64 direct one-turn rloo alone')).toBeCloseTo(0.932, 3);
    expect(at('float32 direct equal grpo')).toBeCloseTo(0.0556, 3);
  });
});

describe.skipIf(reason !== undefined)(title('TRL'), () => {
  it('trains with our GRPO to the same weights as with its own, and takes an advantage per token', () => {
    const said = run<Readonly<Record<string, number>> & { readonly shapes: readonly boolean[] }>(
      'with_trl.py',
    );
    expect(said.shapes).toEqual([true, true, true]);
    expect(said.advantages).toBeLessThan(1e-6);
    expect(said.largest).toBeGreaterThan(1);
    expect(said.unscored).toBeGreaterThan(0);
    expect(said.weights).toBeLessThan(1e-7);
    expect(said.moved).toBeGreaterThan(0.01);
    expect(said.logged).toBeLessThan(1e-6);
    expect(said.tokensDiffer).toBeGreaterThan(0.1);
    expect(said.others).toBeGreaterThan(0.001);
  }, 600_000);
});
