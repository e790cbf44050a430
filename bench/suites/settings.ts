import type { AnyEnvironmentSpec } from '../../envs/spec.ts';
import type { AnyPolicySpec } from '../../policies/spec.ts';
import { checkpointRecipe } from '../training/checkpoint.ts';
import {
  type TrainingOptions,
  trainingSchema,
  type WarmStartOptions,
  warmStartSchema,
} from '../training/options.ts';
import { checkValue, type Path, type Problem, valueAt } from './problems.ts';
import type { Plain } from './raw.ts';

/** Settings of the suite that an environment may have its own values of. */
const SCHEMAS = { training: trainingSchema, warmStart: warmStartSchema } as const;

/** What the cells of one environment are trained with. */
export interface EnvironmentSettings {
  readonly training: TrainingOptions;
  readonly warmStart: WarmStartOptions;
}

/** The suite's settings with an environment's own values in their place, and what is wrong with those. */
export function environmentSettings(
  raw: Plain,
  path: Path,
  policy: AnyPolicySpec | undefined,
  environment: AnyEnvironmentSpec | undefined,
): { readonly values: EnvironmentSettings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const read = <Key extends keyof EnvironmentSettings>(key: Key, value: Plain): EnvironmentSettings[Key] => {
    const checked = checkValue<unknown>(SCHEMAS[key], value, [...path, key]);
    if ('value' in checked) return checked.value as EnvironmentSettings[Key];
    // What is wrong with the suite's own values is reported where they are written.
    problems.push(...checked.problems.filter((problem) => valueAt(raw, problem.path) !== undefined));
    return SCHEMAS[key].parse({}) as EnvironmentSettings[Key];
  };
  const start = writtenWarmStart(raw, path, policy);
  const { checkpoint } = start;
  const recipe = typeof checkpoint === 'string' ? checkpointRecipe(checkpoint) : {};
  const values = {
    training: read('training', written(raw, path, 'training')),
    // A table learns nothing from demonstrations; a checkpoint brings what made it.
    warmStart: read('warmStart', {
      ...(policy?.restorable === false ? { steps: 0 } : {}),
      ...recipe,
      ...start,
    }),
  };
  const at = (key: keyof EnvironmentSettings, name: string): Path =>
    valueAt(raw, [...path, key, name]) === undefined ? [key, name] : [...path, key, name];
  const { training, warmStart } = values;
  for (const [name, value] of Object.entries(recipe)) {
    const said = warmStart[name as keyof WarmStartOptions];
    if (said === value) continue;
    problems.push({
      path: at('warmStart', name),
      message: `${said} is not valid with checkpoint ${checkpoint}, which was made with ${value}; valid: ${value}, or leave it out`,
    });
  }
  if (policy !== undefined && !policy.restorable) {
    if (warmStart.steps > 0) {
      problems.push({
        path: at('warmStart', 'steps'),
        message: `${warmStart.steps} is not valid: policy ${policy.id} starts untrained; valid: 0`,
      });
    }
    if (checkpoint !== undefined) {
      problems.push({
        path: at('warmStart', 'checkpoint'),
        message: `${checkpoint} is not valid: policy ${policy.id} has no weights to load`,
      });
    }
  }
  if (policy?.actions === 'listed' && training.topP < 1) {
    problems.push({
      path: at('training', 'topP'),
      message: `${training.topP} is not valid: policy ${policy.id} chooses from lists of actions; valid: 1`,
    });
  }
  if (
    policy?.actions !== undefined &&
    environment?.actions !== undefined &&
    policy.actions !== environment.actions
  ) {
    const [does, needs] =
      policy.actions === 'text'
        ? [
            'writes free text',
            'lists its actions; valid: a policy that chooses from lists, such as transformer',
          ]
        : ['chooses from lists', 'takes free text; valid: a policy that writes, such as text-transformer'];
    problems.push({
      path: valueAt(raw, [...path, 'policy']) === undefined ? ['policy', 'id'] : [...path, 'policy', 'id'],
      message: `policy ${policy.id} ${does}, and ${environment.id} ${needs}`,
    });
  }
  return { values, problems };
}

/** What the suite says of a setting, with the environment's own values in their place. */
const written = (raw: Plain, path: Path, key: string): Plain => ({
  ...(raw[key] as Plain | undefined),
  ...(valueAt(raw, [...path, key]) as Plain | undefined),
});

/**
 * The same of the warm start. What the suite says is not about an environment that has a checkpoint of its own, which
 * brings its recipe, or a policy of its own that starts untrained.
 */
function writtenWarmStart(raw: Plain, path: Path, policy: AnyPolicySpec | undefined): Plain {
  const own = (valueAt(raw, [...path, 'warmStart']) ?? {}) as Plain;
  const isUntrained = policy?.restorable === false && valueAt(raw, [...path, 'policy']) !== undefined;
  return own.checkpoint !== undefined || isUntrained ? own : written(raw, path, 'warmStart');
}
