import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeWritable, writeFileAtomic } from '../../core/atomic-file.ts';
import { MAX_BYTES, readBounded, readProblem } from '../../core/bounded-file.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { InputError } from '../../core/errors.ts';
import { packageInfo } from '../../core/package.ts';
import { readSafetensors, writeSafetensors } from '../../policies/safetensors.ts';
import type { AnyPolicySpec } from '../../policies/spec.ts';
import type { Choice } from '../cell.ts';
import type { WarmStartOptions } from './options.ts';

/**
 * What a policy starts from: what it knows of its texts (vocabulary or tokenizer), and its weights.
 * @experimental
 */
export interface StartingPoint {
  readonly assets: unknown;
  readonly parameters: ArrayLike<number>;
}

/** Names of the checkpoints that come with creditbench. */
export const CHECKPOINTS = ['search-facts'] as const;

/** Bytes of tokenizer.json and config.json, at most: as `readTokenizer`. */
const MAX_JSON = 64 * 2 ** 20;

const FILES = { assets: 'tokenizer.json', config: 'config.json', weights: 'model.safetensors' } as const;

/** Where a checkpoint lies: a shipped one by its name, any other by its folder. */
export function checkpointFolder(nameOrFolder: string): string {
  const shipped: readonly string[] = CHECKPOINTS;
  return shipped.includes(nameOrFolder)
    ? join(packageInfo().root, 'checkpoints', nameOrFolder)
    : nameOrFolder;
}

/** The files of a checkpoint, whose content decides what a run starts from. */
export function checkpointFiles(nameOrFolder: string): readonly string[] {
  return Object.values(FILES).map((file) => join(checkpointFolder(nameOrFolder), file));
}

const originSchema = z.object({
  environment: z.object({ id: z.string(), fingerprint: z.string() }).exactOptional(),
  warmStart: z.record(z.string(), z.unknown()).exactOptional(),
});

/** What made a checkpoint, as far as it is recorded. */
export type CheckpointOrigin = Readonly<z.infer<typeof originSchema>>;

const configSchema = z.object({
  policy: z.object({ id: z.string(), options: z.record(z.string(), z.unknown()) }),
  origin: originSchema.optional(),
});

/**
 * What made a checkpoint, as `warmStart` says it. Nothing if that is not recorded, or its config.json cannot be read:
 * whoever reads the checkpoint says so.
 */
export function checkpointRecipe(nameOrFolder: string): Readonly<Record<string, unknown>> {
  try {
    const text = readFileSync(join(checkpointFolder(nameOrFolder), FILES.config), 'utf8');
    const { checkpoint: _, ...recipe } = configSchema.parse(JSON.parse(text)).origin?.warmStart ?? {};
    return recipe;
  } catch {
    return {};
  }
}

/**
 * The policy that a checkpoint is of, by its own config.json.
 * @throws InputError when there is no checkpoint of that name or in that folder.
 */
export async function checkpointPolicy(nameOrFolder: string): Promise<Choice> {
  const path = join(checkpointFolder(nameOrFolder), FILES.config);
  try {
    return configSchema.parse(JSON.parse((await readBounded(path, MAX_JSON)).toString('utf8'))).policy;
  } catch (error) {
    const problem = error instanceof z.ZodError ? 'not the config.json of a checkpoint' : readProblem(error);
    throw new InputError(
      `${nameOrFolder}: ${path} cannot be read (${problem}); valid: ${CHECKPOINTS.join(', ')}, or the folder of a checkpoint made by 'creditbench warm-start'`,
      { cause: error },
    );
  }
}

/**
 * Reads a checkpoint for a policy.
 * @param recipe how the suite says that it was made.
 * @throws InputError when a file is missing or damaged, it is of another policy, size or shape, or was made in
 *   another way than the suite says.
 * @experimental
 */
export async function readCheckpoint(
  nameOrFolder: string,
  spec: AnyPolicySpec,
  policy: Choice,
  { checkpoint: _, ...recipe }: WarmStartOptions,
): Promise<StartingPoint & { readonly origin: CheckpointOrigin | undefined }> {
  const folder = checkpointFolder(nameOrFolder);
  const wrong = (what: string, cause?: unknown): never => {
    throw new InputError(
      `warmStart.checkpoint: ${nameOrFolder}: ${what}; valid: ${CHECKPOINTS.join(', ')}, or the folder of a checkpoint made by 'creditbench warm-start'`,
      { cause },
    );
  };
  const bytesOf = async (file: string, most: number): Promise<Buffer> => {
    try {
      return await readBounded(join(folder, file), most);
    } catch (error) {
      return wrong(`${file} cannot be read (${readProblem(error)})`, error);
    }
  };
  const parse = async (file: string): Promise<unknown> => {
    try {
      return JSON.parse((await bytesOf(file, MAX_JSON)).toString('utf8'));
    } catch (error) {
      if (error instanceof InputError) throw error;
      return wrong(`${file} is not JSON: ${(error as Error).message}`);
    }
  };
  const read = configSchema.safeParse(await parse(FILES.config));
  if (!read.success) {
    const { path, message } = read.error.issues[0]!;
    return wrong(`${FILES.config}: ${path.join('.') || 'content'}: ${message}`);
  }
  const config = read.data;
  if (config.policy.id !== policy.id) {
    wrong(`it is of policy ${config.policy.id}, and the suite's policy is ${policy.id}`);
  }
  for (const [name, value] of Object.entries(policy.options)) {
    const theirs = config.policy.options[name];
    if (canonicalJson({ value: theirs }) !== canonicalJson({ value })) {
      wrong(
        `its ${name} is ${JSON.stringify(theirs)}, and the suite's policy.options.${name} is ${JSON.stringify(value)}`,
      );
    }
  }
  const made = config.origin?.warmStart;
  for (const [name, value] of Object.entries(made === undefined ? {} : recipe)) {
    if (made![name] !== value) {
      wrong(
        `it was made with ${name} ${JSON.stringify(made![name])}, and the suite's warmStart.${name} is ${JSON.stringify(value)}`,
      );
    }
  }
  const assets = await parse(FILES.assets);
  const { tensors } = readSafetensors(
    await bytesOf(FILES.weights, MAX_BYTES),
    join(nameOrFolder, FILES.weights),
  );
  if (spec.layout === undefined) return wrong(`policy ${policy.id} cannot be kept in a checkpoint`);
  const layout = await spec.layout(assets, policy.options);
  const values = layout.map(({ name, shape }) => {
    const tensor = tensors.get(name) ?? wrong(`${FILES.weights} has no tensor '${name}'`);
    if (tensor.shape.join() !== shape.join()) {
      wrong(`tensor '${name}' is [${tensor.shape}], [${shape}] needed`);
    }
    if (!tensor.values.every(Number.isFinite)) wrong(`tensor '${name}' has values that are not finite`);
    return tensor.values;
  });
  const parameters = new Float32Array(values.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const one of values) {
    parameters.set(one, offset);
    offset += one.length;
  }
  return { assets, parameters, origin: config.origin };
}

/**
 * Writes a checkpoint: `model.safetensors`, `tokenizer.json` and `config.json` (the policy, and what made it).
 * @throws InputError when the folder cannot be written, or the policy cannot be kept in a file.
 * @experimental
 */
export async function writeCheckpoint(
  folder: string,
  spec: AnyPolicySpec,
  policy: Choice,
  { assets, parameters }: StartingPoint,
  origin: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (spec.layout === undefined) throw new InputError(`policy ${policy.id} cannot be kept in a checkpoint`);
  await makeWritable('--out', folder);
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  let offset = 0;
  for (const { name, shape } of await spec.layout(assets, policy.options)) {
    const values = Float32Array.from({ length: size(shape) }, (_, index) => parameters[offset + index]!);
    tensors.set(name, { shape: [...shape], values });
    offset += size(shape);
  }
  await writeFileAtomic(join(folder, FILES.weights), writeSafetensors(tensors, { format: 'creditbench' }));
  await writeFileAtomic(join(folder, FILES.assets), `${JSON.stringify(assets)}\n`);
  await writeFileAtomic(join(folder, FILES.config), `${JSON.stringify({ policy, origin }, null, 2)}\n`);
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
