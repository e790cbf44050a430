import type { TransformerConfig } from '../llama/config.ts';
import { sizeOf, type WeightSpec, weightSpecs } from '../llama/weights.ts';

/** A tensor of a published model, and where its numbers are in the vector of our parameters. */
export interface PublishedTensor {
  readonly name: string;
  /** In the file: [out, in] for matrices, [width] for gains and biases. */
  readonly shape: readonly number[];
  /** Where our weight begins that has it, or has it as some of its columns. */
  readonly offset: number;
  /** Columns of that weight: matrices are turned, so that file row r is our column `column + r`. */
  readonly columns: number;
  readonly column: number;
  /** Our weight is the file's tensor as it is: embeddings, and gains alone. */
  readonly same: boolean;
}

/** All tensors of a model, in the order of our parameters, which they fill exactly. */
export function publishedTensors(
  config: TransformerConfig,
  vocabularySize: number,
): readonly PublishedTensor[] {
  const { heads, kvHeads, headSize, ffnSize } = config;
  const projections = [heads * headSize, kvHeads * headSize, kvHeads * headSize];
  let offset = 0;
  return weightSpecs(config, vocabularySize).flatMap((spec) => {
    const begin = offset;
    offset += sizeOf(spec);
    const { prefix, part } = placeOf(spec);
    const joined = (names: readonly string[], widths: readonly number[], kind: string): PublishedTensor[] => {
      const columns = spec.shape.at(-1)!;
      const inputs = spec.shape.length === 2 ? [spec.shape[0]!] : [];
      let column = 0;
      return names.map((name, index) => {
        const at = column;
        column += widths[index]!;
        const shape = [widths[index]!, ...inputs];
        return { name: `${prefix}${name}.${kind}`, shape, offset: begin, columns, column: at, same: false };
      });
    };
    const alone = (name: string): PublishedTensor[] => [
      {
        name: `${prefix}${name}.weight`,
        shape: spec.shape,
        offset: begin,
        columns: 0,
        column: 0,
        same: true,
      },
    ];
    switch (part) {
      case 'qkv':
        return joined(QKV, projections, 'weight');
      case 'qkvBias':
        return joined(QKV, projections, 'bias');
      case 'mix':
        return joined(['self_attn.o_proj'], [spec.shape[1]!], 'weight');
      case 'gateUp':
        return joined(['mlp.gate_proj', 'mlp.up_proj'], [ffnSize, ffnSize], 'weight');
      case 'down':
        return joined(['mlp.down_proj'], [spec.shape[1]!], 'weight');
      default:
        return alone(ALONE[part]!);
    }
  });
}

const QKV = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];

const ALONE: Readonly<Record<string, string>> = {
  embedding: 'model.embed_tokens',
  attentionNorm: 'input_layernorm',
  queryNorm: 'self_attn.q_norm',
  keyNorm: 'self_attn.k_norm',
  ffnNorm: 'post_attention_layernorm',
  norm: 'model.norm',
  output: 'lm_head',
};

/** '3.qkv' is of layer 3; 'norm' of none. */
function placeOf({ name }: WeightSpec): { readonly prefix: string; readonly part: string } {
  const [layer, part] = name.split('.') as [string, string | undefined];
  return part === undefined ? { prefix: '', part: layer } : { prefix: `model.layers.${layer}.`, part };
}

/** Puts the values of a file's tensor where they belong among the parameters. */
export function takeTensor(parameters: Float32Array, tensor: PublishedTensor, values: Float32Array): void {
  if (tensor.same) parameters.set(values, tensor.offset);
  else forEach(tensor, (own, file) => (parameters[own] = values[file]!));
}

/** The values of a file's tensor, out of the parameters. */
export function giveTensor(parameters: ArrayLike<number>, tensor: PublishedTensor): Float32Array {
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (tensor.same)
    return Float32Array.from({ length: size }, (_, index) => parameters[tensor.offset + index]!);
  const values = new Float32Array(size);
  forEach(tensor, (own, file) => (values[file] = parameters[own]!));
  return values;
}

/** Every number of a tensor: where it is among the parameters, and where in the file. */
function forEach(
  { shape, offset, columns, column }: PublishedTensor,
  visit: (own: number, file: number) => void,
): void {
  const [rows, inputs = 1] = shape as [number, number?];
  for (let input = 0; input < inputs; input++) {
    const own = offset + input * columns + column;
    for (let row = 0; row < rows; row++) visit(own + row, row * inputs + input);
  }
}
