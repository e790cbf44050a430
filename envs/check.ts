import type { Random } from '../core/random.ts';
import type { Environment, LoadedEnvironment, Task, TextProtocol, Transition } from './environment.ts';

/** How thoroughly `checkEnvironment` looks. */
export interface CheckEnvironmentOptions {
  readonly random: Random;
  /** Tasks to try, spread over the training split. Default 20. */
  readonly tasks?: number;
  /** Random walks per task. Default 3. */
  readonly walks?: number;
  /** An episode that is longer than this counts as endless. Default 1000. */
  readonly maxActions?: number;
}

/** Names that a lookup in an object literal would find although nobody put them there, and one of no kind. */
const ILLEGAL = ['\u0000 no such action', '', 'constructor', 'toString', '__proto__'];

/** Share of mistakes in the teacher's actions if there is no list to draw from. */
const TEACHER_NOISE = 0.3;

/** One taken step, as far as it can be compared. */
interface Recorded {
  readonly action: string;
  readonly seen: string;
  readonly reward: number;
  readonly ended: string;
}

/**
 * Checks that an environment keeps the contract that algorithms and the audit rely on. Environments with
 * enumerable actions are walked at random, others by their teacher with mistakes; if there is no teacher,
 * they are only checked at their start.
 * An environment whose steps have to wait for `prepare` (a server) cannot be walked here.
 * @returns what is wrong, with the likely cause; empty when nothing is.
 */
export function checkEnvironment<State, T extends Task>(
  loaded: LoadedEnvironment<State, T>,
  options: CheckEnvironmentOptions,
): readonly string[] {
  const problems = new Set<string>();
  const report = (problem: string): void => void problems.add(`${loaded.environment.id}: ${problem}`);
  const hidden = Math.random;
  Math.random = () => {
    report('Math.random was called; all randomness must come from the Random that step receives');
    return hidden();
  };
  try {
    checkTasks(loaded, report);
    checkProtocol(loaded.environment, report);
    checkScores(loaded.environment, report);
    const [low, high] = loaded.environment.rewardRange;
    if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
      report(`rewardRange [${low}, ${high}] is not a range`);
    }
    const { train } = loaded.tasks;
    const count = Math.min(options.tasks ?? 20, train.length);
    for (let index = 0; index < count; index++) {
      const task = train[Math.floor((index * train.length) / count)]!;
      const known = new Map<string, string>();
      for (let walk = 0; walk < (options.walks ?? 3); walk++) {
        checkWalk(loaded, task, options.random.split(index, walk), known, options.maxActions ?? 1000, report);
      }
    }
  } catch (error) {
    report(`threw: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    Math.random = hidden;
  }
  return [...problems];
}

type Report = (problem: string) => void;

function checkTasks(loaded: LoadedEnvironment<never, Task> | LoadedEnvironment, report: Report): void {
  if (!/^[a-z0-9-]+\/v\d+$/.test(loaded.environment.id)) report('id is not of the form name/v1');
  // A diagnostic environment may have one task that serves all splits; otherwise splits are disjoint.
  const isOneForAll =
    new Set(Object.values(loaded.tasks).flatMap((tasks) => tasks.map(({ id }) => id))).size === 1;
  const owner = new Map<string, string>();
  for (const [split, tasks] of Object.entries(loaded.tasks) as [string, readonly Task[]][]) {
    if (tasks.length === 0) report(`the ${split} split has no tasks`);
    const seen = new Set<string>();
    for (const task of tasks) {
      if (seen.has(task.id)) report(`task id '${task.id}' occurs twice in ${split}`);
      seen.add(task.id);
      const other = owner.get(task.id);
      if (other !== undefined && other !== split && !isOneForAll) {
        report(`task '${task.id}' is in ${other} and in ${split}`);
      }
      owner.set(task.id, split);
      if (task.answers.length === 0 && loaded.environment.answer !== undefined) {
        report(`task '${task.id}' has no answers`);
      }
    }
  }
}

function checkWalk<State, T extends Task>(
  { environment, demonstrate }: LoadedEnvironment<State, T>,
  task: T,
  random: Random,
  known: Map<string, string>,
  maxActions: number,
  report: Report,
): void {
  const describe = (state: State): string => describeState(environment, state);
  const root = environment.reset(task);
  if (describe(environment.reset(task)) !== describe(root)) report('reset twice gives two different states');
  checkLeak(environment.observe(root).text, task, report);
  if (environment.actions === undefined && demonstrate === undefined) return;

  // Walk forward, then try everything again from remembered states.
  const draws = enumerable(random.split('steps'), report);
  const states: State[] = [root];
  const steps: Recorded[] = [];
  const visited = new Set<string>();
  let total = 0;
  for (let ended = false; !ended; ) {
    const state = states.at(-1)!;
    const before = describe(state);
    const key = environment.key?.(state);
    if (key !== undefined) checkKey(key, before, visited, known, report);
    if (environment.actions === undefined) checkAnyText(environment, state, draws, report);
    const action =
      environment.actions === undefined
        ? demonstrate!(state, TEACHER_NOISE, random.split('action', steps.length))
        : chooseAction(environment, state, random.split('action', steps.length), draws, report);
    if (action === undefined) return;
    const next = environment.step(state, action, draws.split(steps.length));
    if (describe(state) !== before) report(`step('${action}') changed the state that it was given`);
    steps.push(recorded(environment, action, next));
    checkTransition(next, report);
    total += next.reward;
    ended = next.terminated || next.truncated;
    if (ended) checkMetrics(environment, next.state, report);
    states.push(next.state);
    if (!ended && steps.length >= maxActions) {
      report(`an episode is longer than ${maxActions} actions`);
      return;
    }
  }
  const [low, high] = environment.rewardRange;
  if (!(total >= low - 1e-9 && total <= high + 1e-9)) {
    report(`a return of ${total} is outside rewardRange [${low}, ${high}]`);
  }
  // Fork = replay: stepping a remembered state again gives what it gave the first time.
  for (const [index, step] of steps.entries()) {
    const again = environment.step(states[index]!, step.action, draws.split(index));
    if (JSON.stringify(recorded(environment, step.action, again)) !== JSON.stringify(step)) {
      report(
        `step('${step.action}') from a remembered state differs the second time: hidden state or chance`,
      );
    }
  }
}

function checkProtocol({ text, actions }: { text?: TextProtocol; actions?: unknown }, report: Report): void {
  if (text === undefined) return;
  if (actions !== undefined) report('it lists actions and has free text; an environment has one of them');
  if (text.stops.length === 0 || text.stops.includes('')) {
    report('text.stops needs at least one stop, and none may be empty');
  }
  for (const name of ['maxActionTokens', 'maxObservationTokens'] as const) {
    if (!Number.isInteger(text[name]) || text[name] < 1)
      report(`text.${name} is ${text[name]}, not at least 1`);
  }
}

/** The score must be one that the environment has, and its metrics columns. */
function checkScores<State, T extends Task>(environment: Environment<State, T>, report: Report): void {
  const { score, metrics = [] } = environment;
  const names = metrics.map(({ name }) => name);
  for (const { name, unit } of metrics) {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) {
      report(`the name of the metric '${name}' is not made of a-z, 0-9 and _, a letter first`);
    }
    if (unit === '') report(`the metric '${name}' has no unit`);
  }
  if (new Set(names).size < names.length) report('two metrics have one name');
  if (score === undefined) return;
  const known = ['return', ...(environment.answer === undefined ? [] : ['f1', 'em']), ...names];
  if (!known.includes(score.name)) {
    report(`score.name is '${score.name}', which it does not have; valid: ${known.join(', ')}`);
  }
  const [low, high] = score.range;
  if (!(Number.isFinite(low) && Number.isFinite(high) && low <= high)) {
    report(`score.range [${low}, ${high}] is not a range`);
  }
}

/** Of an episode that has ended. */
function checkMetrics<State, T extends Task>(
  { metrics = [] }: Environment<State, T>,
  state: State,
  report: Report,
): void {
  for (const metric of metrics) {
    const value = metric.of(state);
    if (value !== null && !Number.isFinite(value)) report(`the metric '${metric.name}' is ${value}`);
  }
}

/** Texts of all kinds have to be answered, not refused. */
function checkAnyText<State, T extends Task>(
  environment: Environment<State, T>,
  state: State,
  draws: Random,
  report: Report,
): void {
  for (const action of ILLEGAL) {
    try {
      checkTransition(environment.step(state, action, draws.split('any text')), report);
    } catch (error) {
      report(`the text ${JSON.stringify(action)} throws instead of being answered: ${String(error)}`);
      return;
    }
  }
}

/** One of the legal actions, evenly drawn; undefined if there is none. */
function chooseAction<State, T extends Task>(
  environment: Environment<State, T>,
  state: State,
  random: Random,
  draws: Random,
  report: Report,
): string | undefined {
  const actions = environment.actions!(state);
  const at = `at '${environment.observe(state).text}'`;
  if (actions.length === 0) {
    report(`no legal action ${at}`);
    return undefined;
  }
  if (new Set(actions).size < actions.length) report(`actions repeat ${at}`);
  checkIllegal(environment, state, draws, report);
  return actions[random.integer(actions.length)]!;
}

function describeState<State, T extends Task>(environment: Environment<State, T>, state: State): string {
  return JSON.stringify([environment.observe(state), environment.actions?.(state), environment.key?.(state)]);
}

/** The same stream, which reports draws that the audit cannot enumerate. */
function enumerable(random: Random, report: Report): Random {
  return {
    categorical: (probabilities) => random.categorical(probabilities),
    integer: (bound) => random.integer(bound),
    uniform: () => {
      report('step drew with random.uniform, which cannot be enumerated; use categorical or integer');
      return random.uniform();
    },
    split: (...labels) => enumerable(random.split(...labels), report),
  };
}

/**
 * Dynamic programming over keys needs equal keys to mean equal futures, and no way back to a key.
 * @param visited keys of this episode. @param known what the states of this task's keys looked like.
 */
function checkKey(
  key: string,
  described: string,
  visited: Set<string>,
  known: Map<string, string>,
  report: Report,
): void {
  if ((known.get(key) ?? described) !== described) {
    report(`key '${key}' belongs to two states that observe or act differently`);
  } else if (visited.has(key)) {
    report(`key '${key}' returns within an episode; put the turn into the key`);
  }
  visited.add(key);
  known.set(key, described);
}

function checkIllegal<State, T extends Task>(
  environment: Environment<State, T>,
  state: State,
  draws: Random,
  report: Report,
): void {
  const legal = environment.actions!(state);
  for (const action of ILLEGAL.filter((name) => !legal.includes(name))) {
    try {
      environment.step(state, action, draws.split('illegal'));
    } catch {
      continue;
    }
    report(
      `an action that is not in actions(state) is accepted silently: ${JSON.stringify(action)} at '${environment.observe(state).text}'`,
    );
    return;
  }
}

function recorded<State, T extends Task>(
  environment: Environment<State, T>,
  action: string,
  next: Transition<State>,
): Recorded {
  const ended = next.terminated ? 'terminated' : next.truncated ? 'truncated' : '';
  const answer = environment.answer?.(next.state);
  const seen = ended === '' ? describeState(environment, next.state) : JSON.stringify([answer ?? null]);
  return { action, seen, reward: next.reward, ended };
}

function checkTransition<State>(next: Transition<State>, report: Report): void {
  if (next.terminated && next.truncated) report('a transition is both terminated and truncated');
  if (!Number.isFinite(next.reward)) report(`a reward is ${next.reward}`);
}

/** The first observation may name a gold answer only if the question itself does. */
function checkLeak(text: string, task: Task, report: Report): void {
  const rest = text.replaceAll(task.question, ' ').toLowerCase();
  const question = task.question.toLowerCase();
  for (const answer of task.answers) {
    const gold = answer.toLowerCase();
    if (gold.length > 1 && rest.includes(gold) && !question.includes(gold)) {
      report(`the first observation of '${task.id}' contains its answer '${answer}'`);
    }
  }
}
