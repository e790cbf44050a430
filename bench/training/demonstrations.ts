import { InputError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { LoadedEnvironment, Task } from '../../envs/environment.ts';
import type { ActionRecord, Policy } from '../../policies/policy.ts';
import { readPrompt, type Turn } from '../rollout/context.ts';
import { takeStep } from '../rollout/step.ts';

/** One step of a scripted episode: where it stood and what the teacher did there. */
interface Step {
  readonly state: unknown;
  readonly action: string;
}

/**
 * One scripted episode. Mistakes are in it with probability `noise` per action.
 * @throws TypeError when the environment has no teacher.
 */
async function scriptedEpisode(
  loaded: LoadedEnvironment,
  task: Task,
  noise: number,
  random: Random,
): Promise<readonly Step[]> {
  const { environment } = loaded;
  const steps: Step[] = [];
  let sum = 0;
  for (let state = environment.reset(task); ; ) {
    const action = loaded.demonstrate!(state, noise, random);
    await environment.prepare?.([{ state, action }]);
    const next = takeStep(environment, state, action, random, {
      question: task.id,
      actions: steps.length,
      return: sum,
    });
    steps.push({ state, action });
    sum += next.reward;
    if (next.terminated || next.truncated) return steps;
    state = next.state;
  }
}

/** The actions of one scripted episode, as records to train on. */
export async function demonstration(
  loaded: LoadedEnvironment,
  policy: Policy,
  task: Task,
  noise: number,
  random: Random,
): Promise<readonly ActionRecord[]> {
  const { environment } = loaded;
  let before: Turn | undefined;
  return (await scriptedEpisode(loaded, task, noise, random)).map(({ state, action }) => {
    const prompt = readPrompt(environment, policy, state, before);
    const tokens =
      environment.text === undefined
        ? [environment.actions!(state).indexOf(action)]
        : policy.codec!.encode(action);
    const limit = environment.text?.maxActionTokens ?? 1;
    if (tokens.length > limit) {
      throw new InputError(
        `${environment.id}: a demonstrated action has ${tokens.length} tokens, and maxActionTokens is ${limit}: it could not be written; valid: at least ${tokens.length}`,
      );
    }
    before = { prompt, action, tokens };
    return { prompt, tokens };
  });
}

/** Training questions whose scripted episodes make the vocabulary, at most. */
const VOCABULARY_TASKS = 2000;

/** Texts that a scripted walk through the training questions meets: enough to build a vocabulary from. */
export async function demonstratedTexts(
  loaded: LoadedEnvironment,
  random: Random,
): Promise<readonly string[]> {
  const { environment } = loaded;
  const texts: string[] = [];
  for (const [index, task] of loaded.tasks.train.slice(0, VOCABULARY_TASKS).entries()) {
    if (loaded.demonstrate === undefined) {
      texts.push(task.question);
      continue;
    }
    for (const { state, action } of await scriptedEpisode(loaded, task, 0, random.split(index))) {
      const { text, closing = '' } = environment.observe(state);
      texts.push(text + closing, ...(environment.actions?.(state) ?? [action]));
    }
  }
  return texts;
}
