import { leaves, path, type RolloutTree } from '../../algorithms/tree.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import type { TokenCodec } from '../../policies/policy.ts';
import { scoreEpisode } from './evaluate.ts';

/**
 * A token of an action. Log-probability and entropy in nats, of the distribution that it was drawn from.
 * @experimental
 */
export interface EpisodeToken {
  readonly text: string;
  readonly logProb: number;
  readonly entropy: number;
}

/**
 * One turn: what was read, what was written, what it brought.
 * @experimental
 */
export interface EpisodeTurn {
  /** As it was read: cut where the limit of tokens cut it. */
  readonly observation: string;
  readonly observationCut: boolean;
  readonly action: string;
  /** Sum of the entropies of its tokens, in nats. */
  readonly entropy: number;
  /** Log-probability of the whole action, in nats. */
  readonly logProb: number;
  readonly cut: boolean;
  readonly reward: number;
  /** Free text: its tokens. A choice from a list: the action itself. */
  readonly tokens: readonly EpisodeToken[];
}

/**
 * One trajectory, for people.
 * @experimental
 */
export interface Episode {
  readonly question: string;
  readonly answers: readonly string[];
  readonly turns: readonly EpisodeTurn[];
  readonly end: 'terminated' | 'truncated';
  /** Null if none was given. Absent if the environment has no answers. */
  readonly answer?: string | null;
  readonly return: number;
  /** Scores against the accepted answers; null if there are none, or the environment has no answers. */
  readonly f1: number | null;
  readonly em: number | null;
  /** The environment's own metrics by name; null if one is not defined. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

/**
 * Describes the first trajectory of a tree. @throws RangeError when it has none.
 * @experimental
 */
export function describeEpisode(
  tree: RolloutTree,
  loaded: LoadedEnvironment,
  codec: TokenCodec | undefined,
): Episode {
  const leaf = leaves(tree)[0];
  if (leaf === undefined) throw new RangeError(`question '${tree.task.id}': the tree has no trajectory`);
  const { question, answers } = tree.task;
  const { environment } = loaded;
  // A question that somebody typed may have no accepted answer.
  const { f1, em, metrics } = scoreEpisode(loaded, leaf, answers.length === 0 ? undefined : answers);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    question,
    answers,
    turns: path(tree, leaf).map((edge) => ({
      observation: tree.nodes[edge.from]!.prompt.text,
      observationCut: tree.nodes[edge.from]!.prompt.cut ?? false,
      action: edge.action,
      entropy: sum(edge.entropies),
      logProb: sum(edge.logProbs),
      cut: edge.cut ?? false,
      reward: edge.reward,
      tokens: edge.tokens.map((id, t) => ({
        text: codec === undefined ? edge.action : codec.decode([id]),
        logProb: edge.logProbs[t]!,
        entropy: edge.entropies[t]!,
      })),
    })),
    end: leaf.end === 'terminated' ? 'terminated' : 'truncated',
    ...(environment.answer === undefined ? {} : { answer: environment.answer(leaf.state) ?? null }),
    return: leaf.return,
    f1,
    em,
    metrics,
  };
}
