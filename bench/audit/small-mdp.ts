import fc from 'fast-check';
import { describeTree, type TreeSpec, treeEnvironment, treeTask } from '../../envs/diagnostic/random-tree.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { TrainablePolicy } from '../../policies/policy.ts';
import { createTabularPolicy } from '../../policies/tabular/index.ts';

/** One action of a choice: the policy's logit, the reward that it pays, and the choice that follows, if any. */
export interface MdpAction {
  readonly logit: number;
  readonly reward: number;
  /** Absent if the episode ends. */
  readonly next?: MdpChoice;
}

/** A state of a small MDP with its policy: one or more actions, called a0, a1, … */
export type MdpChoice = readonly MdpAction[];

/**
 * Small decision trees with a tabular policy. Rewards and logits are multiples of 1/8 and 1/4; half of the
 * inner actions pay a reward of their own; some states have one action only. They shrink towards a choice of two
 * without reward at logit 0.
 * @param depth the most actions of an episode, default 3. @param branching of a choice, default 3.
 */
export function smallMdp({ depth = 3, branching = 3 } = {}): fc.Arbitrary<MdpChoice> {
  const logit = fc.integer({ min: -6, max: 6 }).map((quarters) => quarters / 4);
  const payment = fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8);
  const onTheWay = fc.oneof({ withCrossShrink: true }, fc.constant(0), payment);
  const choice = (levels: number): fc.Arbitrary<MdpChoice> => {
    const end: fc.Arbitrary<MdpAction> = fc.record({ logit, reward: payment });
    const action =
      levels === 1
        ? end
        : // The simplest first: fast-check shrinks towards it.
          fc.oneof(
            { withCrossShrink: true },
            end,
            fc.record({ logit, reward: onTheWay, next: choice(levels - 1) }),
          );
    return fc.oneof(
      { withCrossShrink: true },
      { weight: 5, arbitrary: fc.array(action, { minLength: Math.min(2, branching), maxLength: branching }) },
      // A state without a choice: no entropy, one more turn.
      { weight: 1, arbitrary: fc.array(action, { minLength: 1, maxLength: 1 }) },
    );
  };
  return choice(depth);
}

/** The environment, its only task and a fresh policy of a small MDP. */
export function playable(mdp: MdpChoice): {
  readonly environment: AnyEnvironment;
  readonly task: Task;
  readonly policy: TrainablePolicy;
} {
  const spec = toSpec(mdp, name);
  const ends = treeEnvironment(spec);
  const at = (text: string): MdpChoice =>
    text
      .split('/')
      .filter((part) => part !== '')
      .reduce((choice, part) => choice[Number(part.slice(1))]!.next!, mdp);
  return {
    environment: {
      ...ends,
      id: 'small-mdp/v1',
      rewardRange: returns(mdp),
      step: (state, action, random) => {
        const transition = ends.step(state, action, random);
        const { reward } = at(ends.observe(state).text)[Number(action.slice(1))]!;
        return { ...transition, reward };
      },
    },
    task: treeTask(spec),
    policy: createTabularPolicy({ initial: ({ text }, action) => at(text)[action]!.logit }),
  };
}

/** The MDP as lines that a person can read: each action with its probability, what it pays and what follows. */
export function describeMdp(mdp: MdpChoice): string {
  const label = (action: MdpAction, index: number, choice: MdpChoice): string => {
    const weights = choice.map(({ logit }) => Math.exp(logit));
    const probability = weights[index]! / weights.reduce((sum, weight) => sum + weight, 0);
    const pays = action.next !== undefined && action.reward !== 0 ? `, pays ${action.reward}` : '';
    return `a${index} (p ${probability.toFixed(3)}${pays})`;
  };
  return describeTree(toSpec(mdp, label));
}

/** Number of different episodes. */
export function countEpisodes(mdp: MdpChoice): number {
  return mdp.reduce((sum, { next }) => sum + (next === undefined ? 1 : countEpisodes(next)), 0);
}

const name = (_: MdpAction, index: number): string => `a${index}`;

function toSpec(
  choice: MdpChoice,
  label: (action: MdpAction, index: number, choice: MdpChoice) => string,
): TreeSpec {
  return Object.fromEntries(
    choice.map((action, index) => [
      label(action, index, choice),
      action.next === undefined ? action.reward : toSpec(action.next, label),
    ]),
  );
}

function returns(choice: MdpChoice): readonly [number, number] {
  const ranges = choice.map(({ reward, next }): readonly [number, number] => {
    const [low, high] = next === undefined ? [0, 0] : returns(next);
    return [reward + low, reward + high];
  });
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}
