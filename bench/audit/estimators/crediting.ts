import type { Credit } from '../../../algorithms/algorithm.ts';
import type { RolloutTree } from '../../../algorithms/tree.ts';
import { InputError } from '../../../core/errors.ts';
import { trajectoriesOf } from '../../trajectories/from-trees.ts';
import { advantagesProblem, creditOfAnswer, type Estimator } from './estimator.ts';

/** A tree, and its credit unless an estimator is still to say it. */
export interface Rolled {
  readonly tree: RolloutTree;
  readonly credit: Credit | undefined;
}

/** A tree and its credit. */
export interface Credited extends Rolled {
  readonly credit: Credit;
}

/** Trees that an estimator is asked about at once. */
const AT_ONCE = 2048;

/**
 * Hands trees on with their credit, in their order. With an estimator they wait until there are enough to be asked about
 * at once.
 * @param add takes a tree and its probability.
 * @returns `add` for trees without credit, and `rest`, which hands on what still waits.
 */
export function crediting(
  estimator: Estimator | undefined,
  add: (credited: Credited, probability: number) => Promise<void>,
  signal: AbortSignal | undefined,
): { add(rolled: Rolled, probability: number): Promise<void>; rest(): Promise<void> } {
  let waiting: { readonly rolled: Rolled; readonly probability: number }[] = [];
  const rest = async (): Promise<void> => {
    const now = waiting;
    waiting = [];
    const credits = await creditsOf(
      now.map(({ rolled }) => rolled),
      estimator,
      signal,
    );
    for (const [at, { rolled, probability }] of now.entries()) {
      await add({ ...rolled, credit: credits[at]! }, probability);
    }
  };
  return {
    rest,
    add: async (rolled, probability) => {
      waiting.push({ rolled, probability });
      if (estimator === undefined || waiting.length === AT_ONCE) await rest();
    },
  };
}

async function creditsOf(
  rolled: readonly Rolled[],
  estimator: Estimator | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly Credit[]> {
  const credits = rolled.map(({ credit }) => credit);
  const asked = rolled.flatMap(({ tree, credit }, at) =>
    credit === undefined ? [{ at, batch: trajectoriesOf(tree, tree.task.id || 'question') }] : [],
  );
  if (estimator === undefined || asked.length === 0) return credits as readonly Credit[];
  const batches = asked.map(({ batch }) => batch);
  const answers = await estimator.advantages(batches, signal);
  if (answers.length !== asked.length) {
    throw new InputError(
      `estimator '${estimator.id}' gave ${answers.length} answers; valid: ${asked.length}, one per batch`,
    );
  }
  for (const [index, { at, batch }] of asked.entries()) {
    const problem = advantagesProblem(answers[index], batch);
    if (problem !== undefined) throw new InputError(`estimator '${estimator.id}': ${problem}`);
    credits[at] = creditOfAnswer(answers[index]!, batch);
  }
  return credits as readonly Credit[];
}
