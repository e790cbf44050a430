import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { Environment, Task } from '../environment.ts';
import type { EnvironmentSpec } from '../spec.ts';
import { diagnosticSpec, parseOptions, requireLegal } from './diagnostic.ts';

const ID = 'random-tree/v1';

/** A decision tree as JSON: what each action leads to, a number (the reward, and the end) or a further choice. */
export interface TreeSpec {
  readonly [action: string]: number | TreeSpec;
}

/** Where an episode stands: the actions taken so far. */
export interface TreeState {
  readonly path: readonly string[];
}

/**
 * The environment of a decision tree: deterministic, one reward, at the leaf. Observations and keys are paths,
 * '/' at the root and '/left/right' two actions later. `describeTree` prints it.
 * @throws InputError when a choice has no actions, an action is empty or holds a '/', or a reward is not finite.
 */
export function treeEnvironment(spec: TreeSpec): Environment<TreeState> {
  checkTree(spec, []);
  const rewards = treeLeaves(spec).map((leaf) => leaf.reward);
  const actions = ({ path }: TreeState): readonly string[] => {
    const node = nodeAt(spec, path);
    return typeof node === 'number' ? [] : Object.keys(node);
  };
  return {
    id: ID,
    markov: true,
    // Not Math.min(...rewards): a tree may have more leaves than a call may have arguments.
    rewardRange: [
      rewards.reduce((low, reward) => Math.min(low, reward)),
      rewards.reduce((high, reward) => Math.max(high, reward)),
    ],
    reset: () => ({ path: [] }),
    observe: ({ path }) => ({ text: pathText(path) }),
    actions,
    step: (state, action) => {
      requireLegal(ID, actions(state), action, pathText(state.path));
      const path = [...state.path, action];
      const node = nodeAt(spec, path);
      return {
        state: { path },
        reward: typeof node === 'number' ? node : 0,
        terminated: typeof node === 'number',
        truncated: false,
      };
    },
    answer: ({ path }) => (typeof nodeAt(spec, path) === 'number' ? pathText(path) : undefined),
    answerKind: 'labels',
    key: ({ path }) => pathText(path),
  };
}

/** The only question of a tree: its answers are the leaves that pay most. */
export function treeTask(spec: TreeSpec): Task {
  const leaves = treeLeaves(spec);
  const best = leaves.reduce((high, { reward }) => Math.max(high, reward), Number.NEGATIVE_INFINITY);
  return {
    id: 'random-tree',
    question: 'Which leaf pays most?',
    answers: leaves.filter(({ reward }) => reward === best).map(({ path }) => pathText(path)),
    kind: 'diagnostic',
    hops: leaves.reduce((deepest, { path }) => Math.max(deepest, path.length), 0),
  };
}

/** A tree as lines that a person can read, one per action: `├─ left → 0.5`. No newline at the end. */
export function describeTree(spec: TreeSpec): string {
  const lines = (node: TreeSpec, indent: string): string[] => {
    const children = Object.entries(node);
    return children.flatMap(([action, child], index) => {
      const isLast = index === children.length - 1;
      const line = `${indent}${isLast ? '└─' : '├─'} ${action}`;
      return typeof child === 'number'
        ? [`${line} → ${child}`]
        : [line, ...lines(child, `${indent}${isLast ? '   ' : '│  '}`)];
    });
  };
  return ['/', ...lines(spec, '')].join('\n');
}

const schema = z
  .strictObject({
    seed: z.int().default(0).describe('Which tree: any safe integer.'),
    depth: z.int().min(1).max(6).default(3).describe('Actions on the longest way to a leaf.'),
    branching: z.int().min(2).max(3).default(2).describe('Most actions of a choice; each has at least two.'),
  })
  .prefault({});

/** Options of `random-tree/v1`. */
export type RandomTreeOptions = z.infer<typeof schema>;

const NAMES = ['left', 'middle', 'right'] as const;
/** Leaf rewards are multiples of 1/8, so that sums of them are exact in floating point. */
const GRID = 8;
/** Before the last level one branch goes on for sure, every other one ends here one time in this many. */
const EARLY = 2;

/**
 * A tree drawn from a seed. Leaf rewards are 0, 1/8, …, 1, evenly; one leaf or more lies at `depth`, some may
 * lie higher. Equal options give equal trees.
 * @throws InputError when an option is out of range.
 */
export function randomTree(options: Partial<RandomTreeOptions> = {}): TreeSpec {
  const { seed, depth, branching } = parseOptions(ID, schema, options);
  return grow(createRandom(seed).split(ID), depth, branching);
}

function grow(random: Random, depth: number, branching: number): TreeSpec {
  const count = 2 + random.integer(branching - 1);
  const names = count === 2 ? [NAMES[0], NAMES[2]] : NAMES;
  const goesOn = random.integer(count);
  return Object.fromEntries(
    names.map((name, index) => {
      const endsEarly = random.integer(EARLY) === 0 && index !== goesOn;
      const reward = random.integer(GRID + 1) / GRID;
      return [name, depth === 1 || endsEarly ? reward : grow(random.split(name), depth - 1, branching)];
    }),
  );
}

/** `random-tree/v1` for the registry. */
export const randomTreeSpec: EnvironmentSpec<RandomTreeOptions> = diagnosticSpec({
  id: ID,
  title: 'a decision tree drawn from a seed, rewards at its leaves',
  schema,
  create: (options) => {
    const tree = randomTree(options);
    return { environment: treeEnvironment(tree), task: treeTask(tree) };
  },
});

function pathText(path: readonly string[]): string {
  return `/${path.join('/')}`;
}

/** The subtree or reward at the end of a path of legal actions. */
function nodeAt(spec: TreeSpec, path: readonly string[]): number | TreeSpec {
  return path.reduce<number | TreeSpec>((node, action) => (node as TreeSpec)[action]!, spec);
}

function treeLeaves(
  spec: TreeSpec,
  path: readonly string[] = [],
): { readonly path: readonly string[]; readonly reward: number }[] {
  return Object.entries(spec).flatMap(([action, child]) => {
    const here = [...path, action];
    return typeof child === 'number' ? [{ path: here, reward: child }] : treeLeaves(child, here);
  });
}

function checkTree(spec: TreeSpec, path: readonly string[]): void {
  const at = `tree: at '${pathText(path)}'`;
  const children = Object.entries(spec);
  if (children.length === 0) throw new InputError(`${at} there is no action, at least one is needed`);
  for (const [action, child] of children) {
    if (action === '' || action.includes('/')) {
      throw new InputError(`${at} an action is '${action}'; it must not be empty and hold no '/'`);
    }
    if (typeof child === 'object' && child !== null) checkTree(child, [...path, action]);
    else if (!Number.isFinite(child)) {
      throw new InputError(`${at} the reward of '${action}' is ${child}, must be a finite number`);
    }
  }
}
