import { Bench } from 'tinybench';
import type { Seconds, SpeedCase, SpeedContext, SpeedResult } from './case.ts';
import type { TorchCase } from './torch.ts';

/** A result, and what PyTorch would have to do for the same. */
export interface Measured {
  readonly result: SpeedResult;
  readonly torch: TorchCase | undefined;
}

/** Runs a case once to warm up, then at least `runs` times. */
export async function timeCase(speedCase: SpeedCase, context: SpeedContext): Promise<Measured> {
  const { id, title, runs, tensors, work } = speedCase;
  const prepared = await speedCase.prepare(context);
  try {
    const parts: Readonly<Record<string, number>>[] = [];
    const bench = new Bench({ iterations: runs, time: 0, warmupIterations: 1, warmupTime: 0, throws: true });
    bench.add(
      id,
      async () => {
        const seconds = await prepared.run();
        if (seconds !== undefined) parts.push(seconds);
      },
      { beforeEach: () => prepared.before?.() },
    );
    const [task] = await bench.run();
    const { result } = task!;
    if (result.state !== 'completed') throw new Error(`${id}: ended as ${result.state}`);
    const { p50, p75, samplesCount } = result.latency;
    const last = parts.slice(-samplesCount);
    const names = Object.keys(last[0] ?? {});
    const middle: Seconds = {
      seconds: p50 / 1000,
      ...Object.fromEntries(names.map((name) => [name, middleOf(last.map((part) => part[name]!))])),
    };
    return {
      result: {
        id,
        title,
        backend: tensors ? context.backend : null,
        runs: samplesCount,
        median: middle,
        upperQuartile: p75 / 1000,
        ...(work === undefined ? {} : { work }),
      },
      torch: prepared.torch === undefined ? undefined : { name: id, runs, ...prepared.torch },
    };
  } finally {
    prepared.dispose?.();
  }
}

/** The median; of an even number the lower of the two in the middle. */
function middleOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
