import { InputError } from '../../core/errors.ts';
import { sizeOf, weightSpecs } from '../llama/weights.ts';
import type { PublishedModel } from './config.ts';

/** A model and its weights. */
interface Weights {
  readonly model: PublishedModel;
  readonly parameters: ArrayLike<number>;
}

/**
 * The same function with wider heads, for programs that know only some widths: zeros behind both halves of every query
 * and key and behind every value, queries longer by √(new / old) (attention divides by the root of the width), and a
 * rotary base from which the first frequencies are the old ones. At a ratio of 4 or 16 no bit of a weight is rounded.
 * @throws InputError when heads cannot be widened to that.
 */
export function padHeads({ model, parameters }: Weights, headSize: number): Weights {
  const { config, vocabularySize } = model;
  const old = config.headSize;
  if (headSize === old) return { model, parameters };
  if (
    headSize < old ||
    headSize % old !== 0 ||
    config.headNorms === true ||
    config.rotaryScaling !== undefined
  ) {
    throw new InputError(
      `--head-size is ${headSize}, and the model has heads of ${old}${config.headNorms === true ? ', which are normalised' : ''}${config.rotaryScaling === undefined ? '' : ', with rotary scaling'}; valid: multiples of it, for heads without either`,
    );
  }
  const wide = { ...config, headSize, rotaryBase: config.rotaryBase ** (headSize / old) };
  const specs = weightSpecs(config, vocabularySize);
  const wideSpecs = weightSpecs(wide, vocabularySize);
  const padded = new Float32Array(wideSpecs.reduce((sum, spec) => sum + sizeOf(spec), 0));
  const { heads, kvHeads } = config;
  const stretch = Math.sqrt(headSize / old);
  /** Where a head's number goes in the wider head. */
  const place = (head: number, index: number): number => {
    const isTurned = head < heads + kvHeads;
    const half = old / 2;
    return head * headSize + (isTurned && index >= half ? headSize / 2 + index - half : index);
  };
  let [from, to] = [0, 0];
  for (const [index, spec] of specs.entries()) {
    const target = wideSpecs[index]!;
    const kind = spec.name.split('.')[1];
    if (kind === 'qkv' || kind === 'qkvBias') {
      const [columns, wideColumns] = [spec.shape.at(-1)!, target.shape.at(-1)!];
      for (let at = 0; at < sizeOf(spec); at++) {
        const [row, column] = [Math.floor(at / columns), at % columns];
        const head = Math.floor(column / old);
        const factor = head < heads ? stretch : 1;
        padded[to + row * wideColumns + place(head, column % old)] = factor * parameters[from + at]!;
      }
    } else if (kind === 'mix') {
      const width = config.modelSize;
      for (let at = 0; at < sizeOf(spec); at++) {
        const row = Math.floor(at / width);
        const wideRow = Math.floor(row / old) * headSize + (row % old);
        padded[to + wideRow * width + (at % width)] = parameters[from + at]!;
      }
    } else {
      for (let at = 0; at < sizeOf(spec); at++) padded[to + at] = parameters[from + at]!;
    }
    from += sizeOf(spec);
    to += sizeOf(target);
  }
  return { model: { ...model, config: wide }, parameters: padded };
}
