import { InputError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { AnyEnvironment, Transition } from '../../envs/environment.ts';

/** Actions of one trajectory, at most: an environment that has not ended an episode by then is taken for one that never does. */
export const MOST_ACTIONS = 10_000;

/** Sums of rewards are compared with a declared range up to rounding. */
const ROUNDING = 1e-9;
/** Characters of an action or a state in a message, at most. */
const SHOWN = 80;

/** A trajectory up to the step that is taken. */
export interface Trajectory {
  /** Id of its question. */
  readonly question: string;
  /** Actions so far. */
  readonly actions: number;
  /** Sum of the rewards so far. */
  readonly return: number;
}

/**
 * Takes one step and checks what comes of it.
 * @param before the trajectory that it continues; undefined where a step stands alone: its range and its end are then not
 *   looked at.
 * @throws InputError naming the environment, the state and the action: if what `step` gives is no transition, the reward is
 *   no finite number, the return of an episode that has ended is outside `rewardRange`, or the episode has not ended after
 *   `MOST_ACTIONS`.
 */
export function takeStep(
  environment: AnyEnvironment,
  state: unknown,
  action: string,
  random: Random,
  before?: Trajectory,
): Transition<unknown> {
  const next: Transition<unknown> = environment.step(state, action, random);
  const refuse = (problem: string): never => {
    const question = before === undefined ? '' : `question '${before.question}', `;
    const where = `at ${shown(environment.observe(state).text)}`;
    throw new InputError(`${environment.id}: ${question}action ${shown(action)} ${where}: ${problem}`);
  };
  if (typeof next !== 'object' || next === null || !('state' in next)) {
    return refuse('step gives no transition; valid: { state, reward, terminated, truncated }');
  }
  const { reward, terminated, truncated } = next;
  if (typeof terminated !== 'boolean') refuse(`terminated is ${String(terminated)}; valid: true or false`);
  if (typeof truncated !== 'boolean') refuse(`truncated is ${String(truncated)}; valid: true or false`);
  if (terminated && truncated) refuse('the transition is both terminated and truncated; valid: one of them');
  const [low, high] = environment.rewardRange;
  if (typeof reward !== 'number' || !Number.isFinite(reward)) {
    refuse(`the reward is ${String(reward)}; valid: a number, returns in rewardRange [${low}, ${high}]`);
  }
  if (before === undefined) return next;
  if (terminated || truncated) {
    const total = before.return + reward;
    const tolerance = ROUNDING * Math.max(1, Math.abs(low), Math.abs(high));
    if (!(total >= low - tolerance && total <= high + tolerance)) {
      refuse(
        `the reward ${reward} makes the episode's return ${total}, outside rewardRange [${low}, ${high}]; valid: a range that holds all returns`,
      );
    }
  } else if (before.actions + 1 >= MOST_ACTIONS) {
    throw neverEnds(environment, before.question);
  }
  return next;
}

/** Why an episode is not followed any further. */
export function neverEnds({ id }: AnyEnvironment, question?: string): InputError {
  const which = question === undefined ? 'an episode' : `an episode of question '${question}'`;
  return new InputError(
    `${id}: ${which} has not ended after ${MOST_ACTIONS} actions; valid: a step that is terminated or truncated before`,
  );
}

const shown = (text: unknown): string => {
  const quoted = JSON.stringify(String(text));
  return quoted.length > SHOWN ? `${quoted.slice(0, SHOWN)}…` : quoted;
};
