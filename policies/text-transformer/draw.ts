import type { Random } from '../../core/random.ts';
import type { Sampling } from '../policy.ts';
import { asFloat32, DRAWN_COLUMNS, drawsOnDevice, drawTokens } from '../tensor/draw.ts';
import { createDistribution } from './distribution.ts';
import type { Reader, Reading } from './reader.ts';

/** A token to be drawn after a reading. */
export interface Draw {
  /** Index of the reading; draws are in the order of readings. */
  readonly row: number;
  readonly random: Random;
}

export interface DrawnToken {
  readonly id: number;
  /** Nats, as the entropy of the distribution that it is drawn from. */
  readonly logProb: number;
  readonly entropy: number;
}

/** Reads, and draws at least one token after every reading. */
export type Drawer = (readings: readonly Reading[], draws: readonly Draw[]) => Promise<readonly DrawnToken[]>;

/**
 * Draws from what a reader reads: in float64 from logits where the processor has them, and else on the device, in
 * float32 and with the same uniforms, so that ids come back instead of logits. A nucleus (`topP` below 1) needs the logits.
 * @throws RangeError when the temperature or topP is out of range.
 */
export function createDrawer(reader: Reader, vocabularySize: number, sampling: Sampling): Drawer {
  const distribution = createDistribution(vocabularySize, sampling);
  const { temperature, topP = 1, greedy = false } = sampling;
  if (drawsOnDevice() && topP === 1) return deviceDrawer(reader, temperature, greedy);
  return async (readings, draws) => {
    const logits = await reader.read(readings);
    let row = -1;
    let next: ReturnType<typeof distribution> | undefined;
    return draws.map((draw) => {
      if (next === undefined || draw.row !== row) {
        row = draw.row;
        next = distribution(logits.subarray(row * vocabularySize, (row + 1) * vocabularySize));
      }
      const id = greedy ? next.best : draw.random.categorical(next.probabilities);
      return { id, logProb: next.logProb(id), entropy: next.entropy };
    });
  };
}

function deviceDrawer(reader: Reader, temperature: number, greedy: boolean): Drawer {
  return async (readings, draws) => {
    // One number each, as `categorical` takes: streams go on alike on every backend.
    const uniforms = asFloat32(draws.map(({ random }) => (greedy ? 0 : random.uniform())));
    let done = 0;
    const drawn = await reader.read(readings, (logits, first) => {
      const from = done;
      while (done < draws.length && draws[done]!.row < first + logits.shape[0]) done++;
      const rows = Int32Array.from(draws.slice(from, done), ({ row }) => row - first);
      return drawTokens(logits, { rows, uniforms: uniforms.subarray(from, done), temperature, greedy });
    });
    return draws.map((_, index) => {
      const [id, difference, sum, mean] = drawn.subarray(index * DRAWN_COLUMNS) as unknown as Columns;
      return { id, logProb: difference - Math.log(sum), entropy: Math.log(sum) - mean / sum };
    });
  };
}

type Columns = readonly [id: number, difference: number, sum: number, mean: number];
