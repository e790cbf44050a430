import * as tf from '@tensorflow/tfjs';
import type { HeadLayout } from './layout.ts';

/*
 * The operations of the transformer that tfjs does not have as one piece. Each is written once in plain tfjs
 * operations, for every backend; where the backend has a fused kernel of that name, the kernel runs instead
 * and brings its own gradient.
 */

/** Whether the current backend has a kernel of that name. */
export const hasKernel = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;

function runKernel<Result extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: tf.NamedTensorMap,
  attributes: object = {},
): Result {
  return tf.engine().runKernel<Result>(name, inputs, attributes as tf.NamedAttrMap);
}

/**
 * A kernel with a second output that only its gradient wants. A gradient registered with tfjs would be handed
 * gradients for that output too: zeros as large as all attention weights.
 */
function withSaved<Result extends tf.Tensor>(
  x: tf.Tensor2D,
  run: (
    x: tf.Tensor2D,
    save: tf.GradSaveFunc,
  ) => { value: Result; gradFunc: (gradients: Result, saved: tf.Tensor[]) => tf.Tensor },
): Result {
  return tf.customGrad((input, save) => run(input as tf.Tensor2D, save as tf.GradSaveFunc))(x) as Result;
}

/** Root-mean-square normalisation of the rows of x: x · gain / √(mean(x²) + epsilon). */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  if (hasKernel('RmsNorm')) return runKernel('RmsNorm', { x, gain }, { epsilon });
  const normalize = (rows: tf.Tensor, scales: tf.Tensor, save: tf.GradSaveFunc) => {
    const inverse: tf.Tensor2D = tf.rsqrt(tf.add(tf.mean(tf.square(rows), 1, true), epsilon));
    save([rows, scales, inverse]);
    return { value: tf.mul(tf.mul(rows, inverse), scales), gradFunc: rmsNormGradient };
  };
  return tf.customGrad(normalize as Parameters<typeof tf.customGrad>[0])(x, gain) as tf.Tensor2D;
}

/** Sums over rows and columns are products with the vector that weighs them: a gradient by plain rules has twice the passes. */
function rmsNormGradient(gradients: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, gain, inverse] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
  const width = gain.size;
  const along: tf.Tensor2D = tf.mul(gradients, x);
  const share = tf.matMul(along, tf.reshape(gain, [width, 1]));
  const back = tf.mul(share, tf.div(tf.mul(tf.square(inverse), inverse), width));
  return [
    tf.sub(tf.mul(tf.mul(gradients, gain), inverse), tf.mul(x, back)),
    tf.reshape(tf.matMul(inverse, along, true), [width]),
  ];
}

/** silu(gate) · up, for rows [gate, up]. [rows, 2 · width] to [rows, width]. */
export function swiGlu(x: tf.Tensor2D): tf.Tensor2D {
  if (hasKernel('SwiGlu')) return runKernel('SwiGlu', { x });
  return withSaved(x, (input, save) => {
    const [gate, up] = tf.split(input, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
    const opening = tf.sigmoid(gate);
    const opened: tf.Tensor2D = tf.mul(gate, opening);
    save([up, opening, opened]);
    return { value: tf.mul<tf.Tensor2D>(opened, up), gradFunc: swiGluGradient };
  });
}

function swiGluGradient(gradients: tf.Tensor, saved: tf.Tensor[]): tf.Tensor {
  const [up, opening, opened] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
  // d silu(gate) / d gate = opening + opened · (1 - opening)
  const steepness = tf.add(opening, tf.mul(opened, tf.sub(1, opening)));
  return tf.concat([tf.mul(tf.mul(gradients, up), steepness), tf.mul(gradients, opened)], 1);
}

/** Cosines and sines of the rotary angles: [length, headSize / 2] each. */
export interface Angles {
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

/**
 * Rotates every query and key by the angles of its position: pairs (i, i + headSize / 2), as Llama does.
 * Values pass through. Row r of x stands at position r modulo `length`.
 */
export function rotate(x: tf.Tensor2D, { cos, sin }: Angles, layout: HeadLayout): tf.Tensor2D {
  if (hasKernel('Rotate')) return runKernel('Rotate', { x, cos, sin }, { ...layout, direction: 1 });
  const { batch, length, heads, kvHeads, headSize } = layout;
  const turned = (heads + kvHeads) * headSize;
  const [pairs, values] = tf.split(x, [turned, kvHeads * headSize], 1) as [tf.Tensor2D, tf.Tensor2D];
  const shape = [batch, length, heads + kvHeads, 2, headSize / 2];
  const [first, second] = tf.unstack(tf.reshape(pairs, shape), 3) as [tf.Tensor, tf.Tensor];
  const [cosines, sines] = [cos, sin].map((table) => tf.reshape(table, [1, length, 1, headSize / 2])) as [
    tf.Tensor,
    tf.Tensor,
  ];
  const rotated = tf.stack(
    [
      tf.sub(tf.mul(first, cosines), tf.mul(second, sines)),
      tf.add(tf.mul(second, cosines), tf.mul(first, sines)),
    ],
    3,
  );
  return tf.concat([tf.reshape(rotated, [batch * length, turned]) as tf.Tensor2D, values], 1);
}

/** Causal softmax attention. Rows [queries, keys, values] to rows of `heads · headSize` mixed values. */
export function causalAttention(x: tf.Tensor2D, layout: HeadLayout): tf.Tensor2D {
  if (hasKernel('CausalAttention')) return fusedAttention('CausalAttention', x, layout);
  const at = tf.reshape(tf.range(0, layout.length, 1, 'int32'), [1, layout.length]) as tf.Tensor2D;
  return attendHeads(splitHeads(x, layout), causalMask(at, layout.length), layout);
}

/** A kernel of that name and its gradient, which is handed the attention weights. */
export function fusedAttention(name: string, x: tf.Tensor2D, attributes: object): tf.Tensor2D {
  return withSaved(x, (input, save) => {
    const [mixed, weights] = runKernel<[tf.Tensor2D, tf.Tensor]>(name, { x: input }, attributes);
    save([input, weights]);
    return {
      value: mixed,
      gradFunc: (gradients, [saved, p]) =>
        runKernel(`${name}Gradient`, { x: saved!, weights: p!, gradients }, attributes),
    };
  });
}

/** Queries [batch · kvHeads, heads / kvHeads · asked, headSize], keys and values [batch · kvHeads, positions, headSize]. */
export interface Heads {
  readonly queries: tf.Tensor3D;
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/** Rows [queries, keys, values] apart, head by head. */
function splitHeads(x: tf.Tensor2D, layout: HeadLayout): Heads {
  const { batch, length, heads, kvHeads, headSize } = layout;
  const parts = tf.split(x, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 1);
  const [queries, keys, values] = parts.map((part, index) => {
    const shape = [batch, length, kvHeads, index === 0 ? heads / kvHeads : 1, headSize];
    const apart = tf.transpose(tf.reshape(part, shape), [0, 2, 3, 1, 4]);
    return tf.reshape(apart, [batch * kvHeads, shape[3]! * length, headSize]);
  }) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return { queries, keys, values };
}

/**
 * What is added to scores so that queries see nothing behind their own position: [batch or 1, 1, asked, length].
 * @param at positions of the queries, int32 [batch or 1, asked].
 */
export function causalMask(at: tf.Tensor2D, length: number): tf.Tensor {
  return tf.tidy(() => {
    const [batch, asked] = at.shape;
    const seen = tf.lessEqual(tf.range(0, length, 1, 'int32'), tf.reshape(at, [batch, 1, asked, 1]));
    return tf.mul(tf.sub(tf.cast(seen, 'float32'), 1), 1e30);
  });
}

/**
 * Softmax attention in plain operations, over the positions that the mask leaves. Rows of `heads · headSize` mixed values,
 * [batch · asked].
 */
export function attendHeads(
  { queries, keys, values }: Heads,
  mask: tf.Tensor,
  { heads, kvHeads, headSize }: Omit<HeadLayout, 'batch' | 'length'>,
): tf.Tensor2D {
  const [batch, group] = [keys.shape[0] / kvHeads, heads / kvHeads];
  const [asked, length] = [queries.shape[1] / group, keys.shape[1]];
  const scores = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(headSize));
  const masked = tf.add(tf.reshape(scores, [batch, heads, asked, length]), mask);
  const weights = tf.reshape(tf.softmax(masked), [batch * kvHeads, group * asked, length]);
  return tf.reshape(joinHeads(tf.matMul(weights, values), { batch, asked, group, kvHeads, headSize }), [
    batch * asked,
    heads * headSize,
  ]);
}

/** [batch · kvHeads, group · asked, headSize] to any shape with the heads of a position side by side. */
function joinHeads(
  mixed: tf.Tensor,
  of: Readonly<Record<'batch' | 'asked' | 'group' | 'kvHeads' | 'headSize', number>>,
): tf.Tensor {
  const { batch, asked, group, kvHeads, headSize } = of;
  // With one position they are.
  if (asked === 1) return mixed;
  return tf.transpose(tf.reshape(mixed, [batch, kvHeads, group, asked, headSize]), [0, 3, 1, 2, 4]);
}

/** The rows of a matrix at the given indices (int32). */
export function takeRows(matrix: tf.Tensor2D, indices: tf.Tensor1D): tf.Tensor2D {
  if (hasKernel('TakeRows') && matrix.shape[1] % 4 === 0) return runKernel('TakeRows', { matrix, indices });
  return tf.gather(matrix, indices);
}

/** -log softmax(logits)[target] of every row, in nats. [rows, classes] and int32 [rows] to [rows]. */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D {
  const classes = logits.shape[1];
  if (hasKernel('CrossEntropy') && classes % 4 === 0) {
    return withSaved(logits, (input, save) => {
      const inputs = { logits: input, targets };
      const [losses, probabilities] = runKernel<[tf.Tensor1D, tf.Tensor]>('CrossEntropy', inputs);
      save([probabilities, targets]);
      return {
        value: losses,
        gradFunc: (gradients, [p, wanted]) =>
          runKernel('CrossEntropyGradient', { probabilities: p!, targets: wanted!, gradients }),
      };
    });
  }
  const wanted = tf.cast(tf.oneHot(targets, classes), 'float32');
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), wanted), 1));
}

/** Registers the gradients of fused kernels with one output, in terms of further fused kernels. */
export function registerGradients(): void {
  if (tf.getGradient('RmsNorm') !== undefined) return;
  tf.registerGradient({
    kernelName: 'RmsNorm',
    inputsToSave: ['x', 'gain'],
    gradFunc: (gradients, saved, attributes) => {
      const [x, gain] = saved as [tf.Tensor, tf.Tensor];
      const inputs = { x, gain, gradients: gradients as tf.Tensor };
      const [dx, dgain] = runKernel<tf.Tensor[]>('RmsNormGradient', inputs, attributes);
      return { x: () => dx!, gain: () => dgain! };
    },
  });
  tf.registerGradient({
    kernelName: 'SwiGlu',
    inputsToSave: ['x'],
    gradFunc: (gradients, [x]) => ({
      x: () => runKernel<tf.Tensor>('SwiGluGradient', { x: x!, gradients: gradients as tf.Tensor }),
    }),
  });
  tf.registerGradient({
    kernelName: 'Rotate',
    inputsToSave: ['cos', 'sin'],
    gradFunc: (gradients, saved, attributes) => {
      const [cos, sin] = saved as [tf.Tensor, tf.Tensor];
      const back = { ...attributes, direction: -1 };
      return { x: () => runKernel<tf.Tensor>('Rotate', { x: gradients as tf.Tensor, cos, sin }, back) };
    },
  });
  tf.registerGradient({
    kernelName: 'TakeRows',
    inputsToSave: ['matrix', 'indices'],
    gradFunc: (gradients, saved) => {
      const [matrix, indices] = saved as [tf.Tensor, tf.Tensor];
      const inputs = { rows: gradients as tf.Tensor, indices };
      return { matrix: () => runKernel<tf.Tensor>('ScatterRows', inputs, { count: matrix.shape[0] }) };
    },
  });
}
