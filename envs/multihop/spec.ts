import { scoreAnswer } from '../scoring/answer.ts';
import type { EnvironmentSpec } from '../spec.ts';
import { loadMultihop, type MultihopOptions, multihopOptionsSchema } from './multihop.ts';

/** `multihop/v1` for the registry, rewarded by HotpotQA's F1. */
export const multihopSpec: EnvironmentSpec<MultihopOptions> = {
  id: 'multihop/v1',
  actions: 'listed',
  title: 'multi-hop questions answered by walking over a graph of real facts',
  tags: ['facts', 'exact', 'teacher'],
  schema: multihopOptionsSchema.prefault({}),
  load: ({ maxTurns }, { cacheDirectory, signal, onNotice }) =>
    loadMultihop({
      maxTurns,
      score: (prediction, golds) => scoreAnswer('hotpotqa', prediction, golds).f1,
      cacheDirectory,
      onNotice: (message) => onNotice?.(message),
      signal,
    }),
};
