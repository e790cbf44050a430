import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readBoundedText, readProblem } from '../../core/bounded-file.ts';
import { InputError } from '../../core/errors.ts';
import { type OpenTensors, openSafetensors } from '../safetensors.ts';
import { type PublishedModel, readModelConfig } from './config.ts';
import { publishedTensors, takeTensor } from './layout.ts';

/** Bytes of config.json and of an index, at most. */
const MAX_JSON = 2 ** 26;

const CONFIG = 'config.json';
const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/)) });

/** A published model with its weights, in the order of our parameters. */
export interface LoadedModel extends PublishedModel {
  readonly parameters: Float32Array;
}

/**
 * The model that a folder of Hugging Face's format describes.
 * @throws InputError naming the file and what is missing or not supported.
 */
export async function readModelFolder(folder: string): Promise<PublishedModel> {
  const path = join(folder, CONFIG);
  return readModelConfig(await jsonOf(path), path);
}

/** The files of a folder that decide what a model computes, its tokenizer's not among them. */
export async function modelFiles(folder: string): Promise<readonly string[]> {
  const weights = [...new Set((await shards(folder)).values())].sort();
  const index = existsSync(join(folder, INDEX)) ? [join(folder, INDEX)] : [];
  return [join(folder, CONFIG), ...index, ...weights];
}

/**
 * Reads the weights of a published model: model.safetensors, or the files that its index names; bfloat16, float16 or
 * float32. One tensor is in memory at a time.
 * @throws InputError naming a file that cannot be read, a tensor that is missing, of another shape, not finite, or not
 *   of this architecture.
 */
export async function readModelWeights(folder: string, model: PublishedModel): Promise<LoadedModel> {
  const tensors = publishedTensors(model.config, model.vocabularySize);
  const size = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, one) => product * one, 1), 0);
  const parameters = new Float32Array(size);
  const files = new Map<string, OpenTensors>();
  try {
    const places = await shards(folder);
    for (const path of new Set(places.values())) files.set(path, await openSafetensors(path));
    const known = new Map(
      [...files].flatMap(([path, file]) =>
        [...file.shapes].map(([name, shape]) => [name, { path, file, shape }]),
      ),
    );
    const expected = new Set(tensors.map(({ name }) => name));
    const other = [...known.keys()].find((name) => !expected.has(name) && !isLeftOut(name));
    if (other !== undefined) {
      throw new InputError(
        `${folder}: tensor '${other}' is not of this architecture, as ${CONFIG} describes it`,
      );
    }
    for (const tensor of tensors) {
      const found = known.get(tensor.name);
      if (found === undefined) throw new InputError(`${folder}: there is no tensor '${tensor.name}'`);
      const { path, file, shape } = found;
      if (shape.join() !== tensor.shape.join()) {
        throw new InputError(`${path}: tensor '${tensor.name}' is [${shape}], [${tensor.shape}] needed`);
      }
      const values = await file.read(tensor.name);
      if (!values.every(Number.isFinite)) {
        throw new InputError(`${path}: tensor '${tensor.name}' has values that are not finite`);
      }
      takeTensor(parameters, tensor, values);
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
  return { ...model, parameters };
}

/** Tensors that files may have and nobody reads: tables of angles of old versions, and an output matrix that is tied. */
const isLeftOut = (name: string): boolean =>
  name.endsWith('.rotary_emb.inv_freq') || name === 'lm_head.weight';

/** Which file has which tensor; '*' for all of one file. */
async function shards(folder: string): Promise<ReadonlyMap<string, string>> {
  const whole = join(folder, WHOLE);
  const path = join(folder, INDEX);
  if (existsSync(whole) || !existsSync(path)) return new Map([['*', whole]]);
  const parsed = indexSchema.safeParse(await jsonOf(path));
  if (!parsed.success) {
    const { path: place, message } = parsed.error.issues[0]!;
    throw new InputError(`${path}: ${place.join('.') || 'content'}: ${message}`);
  }
  return new Map(Object.entries(parsed.data.weight_map).map(([name, file]) => [name, join(folder, file)]));
}

async function jsonOf(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readBoundedText(path, MAX_JSON);
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${readProblem(error)})`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: not JSON: ${(error as Error).message}`);
  }
}
