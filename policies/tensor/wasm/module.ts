import {
  softmaxFunction,
  softmaxGradientFunction,
  swiGluFunction,
  swiGluGradientFunction,
} from './activations.ts';
import { assemble } from './assembler.ts';
import { gemmFunction, packFunction } from './gemm.ts';
import { pageMixFunction, pageScoresFunction } from './pages.ts';
import {
  rmsNormFunction,
  rmsNormGradientFunction,
  rotateFunction,
  scaleRowsFunction,
  scatterRowsFunction,
  takeRowsFunction,
} from './rowwise.ts';

/** Names of the loops; their arguments are described where each is written. */
type LoopName =
  | 'pack'
  | 'gemm'
  | 'softmax'
  | 'softmaxGradient'
  | 'swiGlu'
  | 'swiGluGradient'
  | 'pageScores'
  | 'pageMix'
  | 'rmsNorm'
  | 'rmsNormGradient'
  | 'rotate'
  | 'scatterRows'
  | 'scaleRows'
  | 'takeRows';

/** The compiled loops. All arguments are numbers: addresses in bytes, counts, scales. */
export type Loops = Readonly<Record<LoopName, (...args: readonly number[]) => void>>;

// The part of the standard WebAssembly interface used here; Node's types leave it to the browser's.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object;
    readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  };
};

/** Assembles and compiles the loops over a `WebAssembly.Memory`. Needs WebAssembly SIMD. */
export function compileLoops(memory: object): Loops {
  const bytes = assemble([
    packFunction(),
    gemmFunction(),
    softmaxFunction(),
    softmaxGradientFunction(),
    swiGluFunction(),
    swiGluGradientFunction(),
    pageScoresFunction(),
    pageMixFunction(),
    rmsNormFunction(),
    rmsNormGradientFunction(),
    rotateFunction(),
    scatterRowsFunction(),
    scaleRowsFunction(),
    takeRowsFunction(),
  ]);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return instance.exports as Loops;
}
