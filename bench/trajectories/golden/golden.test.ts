import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { ALGORITHMS } from '../../../algorithms/registry.ts';
import { creditRecordSchema } from '../credit-record.ts';
import { growTree } from '../grow.ts';
import { trajectoryProblem, trajectorySchema } from '../trajectory.ts';
import { GOLDEN_KINDS, goldenTrees } from './golden.ts';
import { goldenLines, goldenNumber, goldenVectors } from './golden-credit.ts';

const trees = goldenTrees();
const vectors = goldenVectors(
  ALGORITHMS.map((algorithm) => ({ name: algorithm.id, algorithm })),
  '1.2.3',
);
const names = ALGORITHMS.map(({ id }) => id);

/** The golden trees of a kind as rollout trees. */
const grown = (kind: keyof typeof GOLDEN_KINDS) =>
  trees.filter((tree) => tree.kind === kind).map((tree) => growTree(tree.trajectories, 'tokens').tree);

describe('golden trees', () => {
  it('are fifty, valid, of every kind, and have what their kind says', () => {
    expect(trees.length).toBe(50);
    expect(new Set(trees.map(({ kind }) => kind))).toEqual(new Set(Object.keys(GOLDEN_KINDS)));
    for (const trajectory of trees.flatMap(({ trajectories }) => trajectories)) {
      expect(trajectorySchema.parse(trajectory)).toEqual(trajectory);
      expect(trajectoryProblem(trajectory)).toBeUndefined();
    }
    expect(
      grown('singletons').every(({ nodes }) => nodes.filter(({ end }) => end !== 'open').length === 1),
    ).toBe(true);
    expect(grown('truncated').every(({ nodes }) => nodes.some(({ end }) => end === 'truncated'))).toBe(true);
    expect(grown('forks').every(({ edges }) => edges.some(({ start, from }) => start && from > 0))).toBe(
      true,
    );
    expect(grown('forks').every(({ edges }) => edges.some(({ round }) => round === 2))).toBe(true);
    expect(
      grown('inside-action-forks').every(({ edges }) => edges.filter(({ shared }) => shared).length === 4),
    ).toBe(true);
    expect(
      grown('rewards-on-the-way').every(({ nodes }) => nodes.some((n) => n.end === 'open' && n.return)),
    ).toBe(true);
  });

  it('have numbers that every language reads alike', () => {
    JSON.stringify(trees, (_, value: unknown) => {
      if (typeof value === 'number') expect(String(value)).toMatch(/^-?\d+(\.\d{1,3})?$/);
      return value;
    });
  });
});

describe('golden vectors', () => {
  it('say something of every tree by every method, or what the tree lacks', () => {
    const lacking: string[] = [];
    for (const { trajectories, credit, lacks } of vectors.trees) {
      expect(credit.length).toBe(trajectories.length);
      for (const record of credit) {
        creditRecordSchema.parse(record);
        expect(Object.keys({ ...record.advantages, ...lacks }).sort()).toEqual([...names].sort());
      }
      lacking.push(...Object.keys(lacks));
    }
    // Rules that need trees as their own plans grow them: chains are none.
    expect(new Set(lacking)).toEqual(new Set(['tree-grpo', 'vineppo']));
    for (const { kind, lacks } of vectors.trees) if (kind === 'continuations') expect(lacks).toEqual({});
    expect(names.filter((name) => vectors.methods[name]!.draws)).toEqual(
      expect.arrayContaining(['random-credit', 'shuffled-credit']),
    );
    expect(vectors.methods.grpo!.draws).toBe(false);
  });

  it('tell methods apart: no two say the same of all trees but those that are the same without a loss', () => {
    const said = new Map<string, string[]>();
    for (const name of names) {
      const all = JSON.stringify(
        vectors.trees.map(({ credit }) => credit.map((one) => one.advantages[name])),
      );
      said.set(all, [...(said.get(all) ?? []), name]);
    }
    expect([...said.values()].filter((same) => same.length > 1)).toMatchInlineSnapshot(`
      [
        [
          "aipo",
          "arpo",
          "dapo",
          "grpo",
          "gspo",
        ],
        [
          "carl",
          "carl-exact",
          "carl-lite",
        ],
      ]
    `);
  });

  // Where this fails a formula or a tree has changed: a new version of the format, and a line in the changelog.
  it('are those of this version', () => {
    const digests = Object.fromEntries(
      names.map((name) => {
        const said = vectors.trees.map(({ credit, lacks }) => [
          credit.map((one) => one.advantages[name] ?? null),
          lacks[name] ?? null,
        ]);
        return [name, createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16)];
      }),
    );
    expect(
      createHash('sha256').update(JSON.stringify(trees)).digest('hex').slice(0, 16),
    ).toMatchInlineSnapshot(`"03b5ffe30c9e47b1"`);
    expect(digests).toMatchInlineSnapshot(`
      {
        "a2tgpo": "04d8744d835c945c",
        "actfocus": "242df8b2cb3896a7",
        "aipo": "f2c60fe1a4bb5ca9",
        "akbe": "aa64693d3149095f",
        "appo": "31b9df7e3d880aa5",
        "arpo": "f2c60fe1a4bb5ca9",
        "carl": "e411d814a14e70c5",
        "carl-exact": "e411d814a14e70c5",
        "carl-lite": "e411d814a14e70c5",
        "dapo": "f2c60fe1a4bb5ca9",
        "dr-grpo": "16dc66c6d213183c",
        "eapo": "91505c3a7e4f1d56",
        "gigpo": "8fd50c722e0c76a5",
        "grpo": "f2c60fe1a4bb5ca9",
        "grpo-vps": "431632c0102a165f",
        "gspo": "f2c60fe1a4bb5ca9",
        "igpo": "90b93813e3e699b2",
        "mt-grpo": "e34379a18389ec96",
        "pica": "54f4e60696c24016",
        "ppo": "ef36364569cebf94",
        "random-credit": "c9f374a52e2fee3e",
        "reinforce": "40232dff8bf0be8c",
        "reinforce-pp": "4391afb05fa60ca9",
        "reinforce-pp-baseline": "c0050e42ccfaa497",
        "rloo": "2f39eef11f68dce1",
        "shuffled-credit": "bd1835f55ab8dd87",
        "spa-rl": "50441368a09c5747",
        "tao-rl": "fca2e784f6e98a32",
        "tree-grpo": "417a4cac58f8d59c",
        "treerl": "9437c2e555fda807",
        "vineppo": "bc8f73fa6ecfb484",
      }
    `);
  });

  it('are lines of JSON: what they are of, then a tree each', () => {
    const [head, ...lines] = goldenLines(vectors)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(head).toMatchObject({ format: 'creditbench-golden', version: 1, creditbench: '1.2.3', trees: 50 });
    expect(lines).toEqual(vectors.trees);
  });

  it('are rounded so that rounding errors do not show', () => {
    expect(goldenNumber(0.1 + 0.2)).toBe(0.3);
    expect(goldenNumber(-5e-17)).toBe(-0);
    expect(goldenNumber(123456.78901234567)).toBe(123456.789012);
  });
});

const FOLDER = fileURLToPath(new URL('../../../integrations/golden', import.meta.url));

describe.skipIf(!hasPython())('test_golden.py', () => {
  const folder = mkdtempSync(join(tmpdir(), 'creditbench-golden-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What the test says of a folder with the example, changed. */
  function said(change: (source: string) => string): string {
    for (const file of ['test_golden.py', 'advantages.py']) cpSync(join(FOLDER, file), join(folder, file));
    writeFileSync(join(folder, 'golden.jsonl'), goldenLines(vectors));
    writeFileSync(join(folder, 'advantages.py'), change(readFileSync(join(FOLDER, 'advantages.py'), 'utf8')));
    // pytest calls it so; here it need not be installed.
    const call = `
import test_golden as t
failed = []
for method in t.METHODS:
    for batch in t.BATCHES:
        try:
            t.test_golden(method, batch)
        except AssertionError as error:
            failed.append(str(error))
print(len(t.METHODS) * len(t.BATCHES), len(failed), *failed[:1])`;
    return execFileSync('python3', ['-c', call], { cwd: folder, encoding: 'utf8' }).trim();
  }

  it('passes GRPO and RLOO in plain Python', () => {
    expect(said((source) => source)).toBe('82 0');
  });

  it.each([
    ['the population standard deviation', 'stdev', 'pstdev'],
    ['a baseline that is not left out', '(len(values) - 1)', 'len(values)'],
    ['no rewards on the way', 'sum(turn.get("reward", 0) for turn in one["turns"]) + ', ''],
  ])('fails %s', (_, right, wrong) => {
    expect(said((source) => source.replaceAll(right, wrong))).toMatch(/^82 [1-9]\d* (grpo|rloo) on /);
  });

  it('is about thirty lines', () => {
    const code = readFileSync(join(FOLDER, 'test_golden.py'), 'utf8').split('"""')[2]!.trim();
    expect(code.split('\n').length).toBeLessThanOrEqual(34);
  });
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stderr.write('SKIPPED: test_golden.py, python3 is not installed\n');
    return false;
  }
}
