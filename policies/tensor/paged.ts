import * as tf from '@tensorflow/tfjs';
import { type PagedAttributes, type PageShape, type PageStore, pageFloats } from './page-store.ts';
import { operationStore } from './paged-operations.ts';
import { largestTensor } from './webgpu/limits.ts';

/**
 * An empty store. Where the backend has a fused kernel, pages live in its memory and a token's result is the same
 * bits whatever else is in the matrix; elsewhere plain operations do it, padded.
 */
export function createPageStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const fused = tf.getKernel('PagedAttention', tf.getBackend()) !== undefined;
  return fused ? fusedStore(shape, pagesPerSlab) : operationStore(shape, pagesPerSlab);
}

function fusedStore(shape: PageShape, pagesPerSlab: number): PageStore {
  const slabs: tf.Tensor[] = [];
  const run = (name: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor =>
    tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap);
  // Kernels name their inputs; slabs are called by their number.
  const named = (): tf.NamedTensorMap =>
    Object.fromEntries(slabs.map((slab, index) => [String(index), slab]));
  // A shader can read only a few tensors: there, all pages are in one.
  const largest = largestTensor();
  const joined = largest < Number.POSITIVE_INFINITY;
  const perSlab = joined ? Number.POSITIVE_INFINITY : pagesPerSlab;
  let size = 0;
  return {
    get size() {
      return size;
    },
    most: Math.floor(largest / pageFloats(shape)),
    grow: () => {
      const old = joined ? slabs.splice(0) : [];
      const fresh = tf.tidy(() => tf.concat([...old, tf.fill([pagesPerSlab, pageFloats(shape)], 0)]));
      tf.dispose(old);
      slabs.push(tf.keep(fresh));
      size += pagesPerSlab;
    },
    copy: (from, to) => {
      const source = slabs[Math.floor(from / perSlab)]!;
      const target = slabs[Math.floor(to / perSlab)]!;
      run('CopyPage', { source, target }, { from: from % perSlab, to: to % perSlab }).dispose();
    },
    attend: (x, tokens, layer) => {
      const attributes: PagedAttributes = { ...tokens, shape, layer, pagesPerSlab: perSlab };
      return run('PagedAttention', { ...named(), x }, attributes) as tf.Tensor2D;
    },
    dispose: () => {
      tf.dispose(slabs);
      slabs.length = 0;
    },
  };
}
