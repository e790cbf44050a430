import type { Random } from '../../core/random.ts';
import type { AnyEnvironment, Task } from '../../envs/environment.ts';
import type { Policy } from '../../policies/policy.ts';
import type { ArpoOptions } from './index.ts';

/** A rollout under way, with all that it has done. */
interface Runner {
  /** How many of its actions are another rollout's. */
  readonly forked: number;
  readonly actions: string[];
  /** H of each action, those of others included. */
  readonly entropies: number[];
  state: unknown;
  ended: boolean;
}

/**
 * ARPO's rollouts as they are described, with branching on the way: every turn each running rollout takes an action,
 * then those that read a tool's result may branch, in the order in which they began, while the budget lasts; with
 * none running, one begins afresh. With 'reaction' the copy is made a turn later, of the state before.
 * @returns all rollouts in that order, as `shared actions > all actions`.
 */
export async function branchOnTheWay(
  options: ArpoOptions,
  environment: AnyEnvironment,
  task: Task,
  policy: Policy,
  random: Random,
): Promise<string> {
  const { rollouts, initial, alpha, beta, vocabulary, tokens, entropyOf } = options;
  const fresh = (): Runner => ({
    forked: 0,
    actions: [],
    entropies: [],
    state: environment.reset(task),
    ended: false,
  });
  const all = Array.from({ length: Math.min(initial, rollouts) }, fresh);
  const act = async (runner: Runner): Promise<void> => {
    const { text } = environment.observe(runner.state);
    const prompt = { text, actions: environment.actions!(runner.state) };
    const [action] = await policy.act([{ prompt, random }], { temperature: 1 });
    const next = environment.step(runner.state, action!.text, random);
    runner.actions.push(action!.text);
    const sum = action!.entropies.slice(0, tokens).reduce((a, b) => a + b, 0);
    runner.entropies.push(sum / Math.log(vocabulary));
    runner.state = next.state;
    runner.ended = next.terminated || next.truncated;
  };
  const draw = (rise: number): boolean => {
    const probability = Math.min(Math.max(alpha + beta * rise, 0), 1);
    return random.categorical([probability, 1 - probability]) === 0;
  };
  const born = (of: Runner, state: unknown, length: number): Runner => ({
    forked: length,
    actions: of.actions.slice(0, length),
    entropies: of.entropies.slice(0, length),
    state,
    ended: false,
  });
  for (;;) {
    const running = all.filter(({ ended }) => !ended);
    const before = running.map(({ state }) => state);
    for (const runner of running) await act(runner);
    if (entropyOf === 'call') {
      for (const runner of running) {
        if (runner.ended || all.length === rollouts) continue;
        const own = runner.entropies.slice(runner.forked);
        if (draw(own.at(-1)! - own[0]!)) all.push(born(runner, runner.state, runner.actions.length));
      }
    } else {
      for (const [i, runner] of running.entries()) {
        const length = runner.actions.length - 1;
        // The action after a result that is its own to decide about.
        if (length <= runner.forked || all.length === rollouts) continue;
        if (!draw(runner.entropies.at(-1)! - runner.entropies[0]!)) continue;
        const branch = born(runner, before[i], length);
        all.push(branch);
        await act(branch);
      }
    }
    if (all.some(({ ended }) => !ended)) continue;
    if (all.length === rollouts) break;
    all.push(fresh());
  }
  return all.map(({ forked, actions }) => `${forked}>${actions.join('')}`).join(' ');
}
