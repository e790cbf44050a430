import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import { availableBackends, type BackendName, loadBackend } from './backend.ts';
import { causalAttention } from './ops.ts';
import { PAGE, type PageShape } from './page-store.ts';
import { createPageStore } from './paged.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from './webgpu/software-vulkan.test-helper.ts';

const random = createRandom(3);
const shapes: readonly PageShape[] = [
  { layers: 2, heads: 4, kvHeads: 2, headSize: 16 },
  { layers: 1, heads: 3, kvHeads: 1, headSize: 8 },
  { layers: 2, heads: 2, kvHeads: 2, headSize: 24 },
  { layers: 1, heads: 1, kvHeads: 1, headSize: 72 },
];

requireSoftwareVulkanInCi('paged attention on webgpu');
if (hasSoftwareVulkan) useSoftwareVulkan();

const present = (await availableBackends()).filter(({ problem }) => problem === undefined);

describe.each(['cpu', ...present.map(({ name }) => name)])('paged attention on %s', (backend) => {
  it.each(shapes)(
    'of parts of two sequences side by side is causal attention over each, %o',
    async (shape) => {
      await loadBackend(backend === 'cpu' ? 'wasm' : (backend as BackendName));
      await tf.setBackend(backend);
      const { layers, heads, kvHeads, headSize } = shape;
      const width = (heads + 2 * kvHeads) * headSize;
      const lengths = [37, 5 * PAGE];
      const layout = (length: number) => ({ batch: 1, length, heads, kvHeads, headSize });
      const store = createPageStore(shape, 2);
      for (let slab = 0; slab < 6; slab++) store.grow();
      expect(store.size).toBe(12);
      // Pages in no order; the last of the first sequence is moved by a copy halfway.
      const pages = Int32Array.of(7, 0, 4, 3, 9, 2, 10, 5);
      const moved = Int32Array.of(7, 0, 11, 3, 9, 2, 10, 5);
      for (let layer = 0; layer < layers; layer++) {
        const rows = lengths.map((length) =>
          tf.tensor2d(
            Float32Array.from({ length: length * width }, () => 4 * (random.uniform() - 0.5)),
            [length, width],
          ),
        ) as [tf.Tensor2D, tf.Tensor2D];
        const found: number[][][] = [[], []];
        const cuts = [
          [0, 0],
          [5, 20],
          [34, 21],
          [37, 80],
        ] as const;
        for (const [step, [toFirst, toSecond]] of cuts.entries()) {
          if (step === 0) continue;
          const from = cuts[step - 1]!;
          if (step === 3) store.copy(4, 11);
          const to = [toFirst, toSecond];
          const parts = rows.map((row, index) =>
            tf.slice(row, [from[index]!, 0], [to[index]! - from[index]!, width]),
          );
          const positions = [0, 1].flatMap((index) =>
            Array.from({ length: to[index]! - from[index]! }, (_, at) => from[index]! + at),
          );
          const starts = [0, 1].flatMap((index) =>
            Array.from({ length: to[index]! - from[index]! }, () => 3 * index),
          );
          const tokens = {
            pages: step === 3 ? moved : pages,
            starts: Int32Array.from(starts),
            positions: Int32Array.from(positions),
          };
          const mixed = await store.attend(tf.concat(parts), tokens, layer).array();
          found[0]!.push(...mixed.slice(0, to[0]! - from[0]!));
          found[1]!.push(...mixed.slice(to[0]! - from[0]!));
        }
        for (const [index, length] of lengths.entries()) {
          const expected = await causalAttention(rows[index]!, layout(length)).array();
          expect(found[index]).toHaveLength(length);
          const distance = expected.flatMap((row, at) =>
            row.map((value, column) => Math.abs(value - found[index]![at]![column]!)),
          );
          expect(Math.max(...distance)).toBeLessThan(1e-5);
        }
      }
      store.dispose();
      await tf.setBackend('wasm');
    },
  );
});
