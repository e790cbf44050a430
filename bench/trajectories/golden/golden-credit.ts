import type { AnyAlgorithm } from '../../../algorithms/algorithm.ts';
import { configured } from '../../../algorithms/configured.ts';
import { groupBy } from '../../../core/group-by.ts';
import { createRandom, type Random } from '../../../core/random.ts';
import { creditOf, type TurnCredit } from '../credit.ts';
import { type CreditRecord, creditRecord } from '../credit-record.ts';
import { growTree } from '../grow.ts';
import { type GoldenTree, goldenTrees } from './golden.ts';

/** Name and version of the format of golden vectors. The version rises when trees, fields or meaning change. */
export const GOLDEN_FORMAT = 'creditbench-golden';
export const GOLDEN_VERSION = 1;
/** Advantages are rounded to this many decimals and significant digits: what `exp` and `log` differ by lies below. */
export const GOLDEN_DIGITS = 12;

/**
 * A method whose credit is asked for.
 * @experimental
 */
export interface GoldenRequest {
  readonly name: string;
  readonly algorithm: AnyAlgorithm;
  /** What differs from the defaults. */
  readonly options?: object;
}

/**
 * A method of golden vectors.
 * @experimental
 */
export interface GoldenMethod {
  readonly algorithm: string;
  /** All options that its credit was computed with. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether its credit draws random numbers: another program cannot compute the same. */
  readonly draws: boolean;
}

/**
 * One tree and what the methods say of it.
 * @experimental
 */
export interface GoldenVector extends GoldenTree {
  /** One per trajectory, in their order. */
  readonly credit: readonly CreditRecord[];
  /** By method that says nothing of the tree: what the tree would need to have. */
  readonly lacks: Readonly<Record<string, string>>;
}

/**
 * The credit of methods on the golden trees.
 * @experimental
 */
export interface GoldenVectors {
  readonly format: typeof GOLDEN_FORMAT;
  readonly version: typeof GOLDEN_VERSION;
  /** Version of the package. */
  readonly creditbench: string;
  readonly digits: typeof GOLDEN_DIGITS;
  readonly methods: Readonly<Record<string, GoldenMethod>>;
  readonly trees: readonly GoldenVector[];
}

/**
 * The credit of methods on `goldenTrees`. Deterministic.
 * @param creditbench version of the package.
 * @throws ZodError when an option is not valid; what a credit rule throws.
 * @experimental
 */
export function goldenVectors(requests: readonly GoldenRequest[], creditbench: string): GoldenVectors {
  const trees = goldenTrees();
  const turns = trees.map(({ trajectories }) =>
    trajectories.map(() => ({}) as Record<string, readonly TurnCredit[]>),
  );
  const lacks = trees.map(() => ({}) as Record<string, string>);
  const batches = groupBy([...trees.keys()], (tree) => String(trees[tree]!.trajectories[0]!.batch));
  const grown = trees.map(({ trajectories }) => growTree(trajectories, 'none'));
  const methods = requests.map(({ name, algorithm, options = {} }): [string, GoldenMethod] => {
    const method = configured(algorithm, options);
    let draws = false;
    const onDraw = (): void => {
      draws = true;
    };
    for (const [batch, members] of batches) {
      const random = watched(createRandom(0).split('golden credit', batch), onDraw);
      const credit = creditOf(
        members.map((tree) => grown[tree]!),
        method,
        random,
      );
      for (const [index, tree] of members.entries()) {
        if ('lacks' in credit) lacks[tree]![name] = credit.lacks;
        else for (const [id, own] of credit.credits[index]!.entries()) turns[tree]![id]![name] = own;
      }
    }
    const complete = algorithm.schema.parse(options) as GoldenMethod['options'];
    return [name, { algorithm: algorithm.id, options: complete, draws }];
  });
  return {
    format: GOLDEN_FORMAT,
    version: GOLDEN_VERSION,
    creditbench,
    digits: GOLDEN_DIGITS,
    methods: Object.fromEntries(methods),
    trees: trees.map((tree, index) => ({
      ...tree,
      credit: tree.trajectories.map((trajectory, id) =>
        creditRecord(trajectory, turns[index]![id]!, goldenNumber),
      ),
      lacks: lacks[index]!,
    })),
  };
}

/** Rounded to `GOLDEN_DIGITS` significant digits and decimals: what cancels out but for rounding is 0. */
export const goldenNumber = (value: number): number =>
  Number(Number(value.toPrecision(GOLDEN_DIGITS)).toFixed(GOLDEN_DIGITS));

/** Golden vectors as lines of JSON: what they are of, then a tree each. */
export function goldenLines({ trees, ...head }: GoldenVectors): string {
  return [{ ...head, trees: trees.length }, ...trees].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A generator that tells when a number is drawn from it. */
function watched(random: Random, onDraw: () => void): Random {
  const telling =
    <Args extends readonly unknown[], Result>(draw: (...args: Args) => Result) =>
    (...args: Args): Result => {
      onDraw();
      return draw(...args);
    };
  return {
    uniform: telling(random.uniform),
    categorical: telling(random.categorical),
    integer: telling(random.integer),
    split: (...labels) => watched(random.split(...labels), onDraw),
  };
}
