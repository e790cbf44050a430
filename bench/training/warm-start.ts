import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canonicalJson } from '../../core/canonical-json.ts';
import { InputError } from '../../core/errors.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { LoadedEnvironment } from '../../envs/environment.ts';
import {
  type ActionRecord,
  type OwnedPolicy,
  type TrainablePolicy,
  trainable,
} from '../../policies/policy.ts';
import { checkTrains } from '../../policies/spec.ts';
import { type Catalog, nameOfChoice } from '../catalog/catalog.ts';
import { type Cell, type CellContext, unnamed } from '../cell.ts';
import { codeFingerprint } from '../identity.ts';
import { checkKinds } from '../rollout/context.ts';
import { readCheckpoint, type StartingPoint } from './checkpoint.ts';
import { demonstratedTexts, demonstration } from './demonstrations.ts';
import { hashFile } from './inputs.ts';
import { adamState, adamStep, clipNorm } from './learners/adam.ts';
import type { WarmStartOptions } from './options.ts';
import { readStart, writeStart } from './start-cache.ts';

/** What decides the starting weights of a cell, besides the data. */
export type StartingCell = Pick<Cell, 'environment' | 'policy' | 'warmStart' | 'backend'>;

/** A policy at its starting point, and what it knows of its texts. */
export interface Start<Made extends OwnedPolicy = OwnedPolicy> {
  readonly policy: Made;
  readonly assets: unknown;
}

/**
 * The policy at the cell's starting point: from a checkpoint where one is named; otherwise a vocabulary, or the published
 * model that the policy's options name, and a short supervised training on noisy demonstrations, from the cache where it
 * is there and whole.
 * @throws InputError when the policy does not fit the environment, or the checkpoint does not fit the policy.
 */
export async function startingPolicy(
  cell: StartingCell,
  catalog: Catalog,
  loaded: LoadedEnvironment,
  context: CellContext,
): Promise<Start> {
  const start = await makeStart(cell, catalog, loaded, context);
  try {
    checkKinds(loaded.environment, start.policy);
  } catch (error) {
    start.policy.dispose();
    throw error;
  }
  return start;
}

/**
 * The same for what needs parameters and gradients here.
 * @throws InputError also when the policy only acts (before it is made) or learns on a server.
 */
export async function trainableStart(
  cell: StartingCell,
  catalog: Catalog,
  loaded: LoadedEnvironment,
  context: CellContext,
): Promise<Start<TrainablePolicy>> {
  checkTrains(catalog.policy(nameOfChoice(cell.policy)));
  const { policy, assets } = await startingPolicy(cell, catalog, loaded, context);
  return { policy: trainable(policy), assets };
}

async function makeStart(
  cell: StartingCell,
  catalog: Catalog,
  loaded: LoadedEnvironment,
  context: CellContext,
): Promise<Start> {
  const spec = catalog.policy(nameOfChoice(cell.policy));
  const random = createRandom(cell.warmStart.seed).split('warm start');
  const create = (assets: unknown): Promise<OwnedPolicy> =>
    spec.create({
      options: cell.policy.options,
      assets,
      backend: cell.backend,
      random: random.split('weights'),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
  const restore = async ({ assets, parameters }: StartingPoint): Promise<Start> => {
    const policy = trainable(await create(assets));
    policy.setParameters(parameters);
    return { policy, assets };
  };
  const { checkpoint } = cell.warmStart;
  if (!spec.restorable) {
    if (checkpoint !== undefined) {
      throw new InputError(
        `warmStart.checkpoint is ${checkpoint}, but policy ${spec.id} has no weights to load`,
      );
    }
    if (cell.warmStart.steps > 0) {
      throw new InputError(
        `warmStart.steps is ${cell.warmStart.steps}, but policy ${spec.id} starts untrained; valid: 0`,
      );
    }
    const assets = await spec.assets([], cell.policy.options);
    return { policy: await create(assets), assets };
  }
  if (checkpoint !== undefined) {
    const { origin, ...start } = await readCheckpoint(checkpoint, spec, cell.policy, cell.warmStart);
    if (origin?.environment?.fingerprint !== loaded.fingerprint) {
      context.onNotice?.(
        `checkpoint ${checkpoint} was made on other data or options than these of ${loaded.environment.id}`,
      );
    }
    return restore(start);
  }
  const files = (await spec.files?.(cell.policy.options)) ?? [];
  if (files.length > 0 && cell.warmStart.steps === 0) {
    // It is its own starting point: nothing to make, nothing to keep.
    const assets = await spec.assets([], cell.policy.options);
    return { policy: await create(assets), assets };
  }
  const key = {
    ...cell.warmStart,
    ...(files.length === 0 ? {} : { files: await Promise.all(files.map(hashFile)) }),
    policy: unnamed(cell.policy),
    backend: cell.backend,
    data: loaded.fingerprint,
    world: cell.environment.code?.sha256,
  };
  const hash = createHash('sha256')
    .update(
      canonicalJson({
        ...key,
        code: codeFingerprint('start'),
      }),
    )
    .digest('hex')
    .slice(0, 16);
  const file = join(context.cacheDirectory, `warm-start-${hash}.bin`);

  const cached = await readStart(file, context);
  if (cached !== undefined) return restore(cached);
  const texts = files.length > 0 ? [] : await demonstratedTexts(loaded, random.split('texts'));
  const assets = await spec.assets(texts, cell.policy.options);
  const policy = trainable(await create(assets));
  checkKinds(loaded.environment, policy);
  await imitate(policy, loaded, cell.warmStart, random.split('demonstrations'), context);
  await writeStart(file, { assets, parameters: policy.parameters() }, context);
  return { policy, assets };
}

async function imitate(
  policy: TrainablePolicy,
  loaded: LoadedEnvironment,
  options: WarmStartOptions,
  random: Random,
  context: CellContext,
): Promise<void> {
  if (options.steps === 0) return;
  if (loaded.demonstrate === undefined) {
    throw new InputError(
      `warmStart.steps is ${options.steps}, but ${loaded.environment.id} has no demonstrations to learn from; valid: 0`,
    );
  }
  const parameters = policy.parameters();
  let adam = adamState(parameters.length);
  let gradient: Float32Array | Float64Array | undefined;
  for (let step = 0; step < options.steps; step++) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ stage: `warm start ${step} of ${options.steps}`, fraction: step / options.steps });
    const stream = random.split(step);
    const records: ActionRecord[] = [];
    for (let episode = 0; episode < options.episodes; episode++) {
      const draws = stream.split(episode);
      const task = loaded.tasks.train[draws.integer(loaded.tasks.train.length)]!;
      records.push(...(await demonstration(loaded, policy, task, options.noise, draws)));
    }
    // Mean negative log-likelihood per token: of every action where an action is one token.
    const count = records.reduce((sum, { tokens }) => sum + tokens.length, 0);
    gradient = await policy.gradient(
      records,
      (logProbs) => logProbs.map(({ length }) => new Float64Array(length).fill(-1 / count)),
      { temperature: 1 },
      gradient,
    );
    clipNorm(gradient, 1);
    // A short ramp, then linear decay to zero: the last steps settle instead of jumping.
    const rate = options.learningRate * Math.min(1, (step + 1) / 20) * (1 - step / options.steps);
    adam = adamStep(parameters, gradient, adam, { learningRate: rate, epsilon: 1e-8 });
    policy.setParameters(parameters);
  }
}
