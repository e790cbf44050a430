import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/random.ts';
import type { ActionRecord, LossGradient, TrainablePolicy } from '../policy.ts';
import { type BackendName, loadBackend } from '../tensor/backend.ts';
import { createPolicy, someIds } from './letters.test-helper.ts';

const SAMPLING = { temperature: 0.9 };

/** Actions of a random tree: every one goes on from the end of another, or from inside of it, or from a root. */
function treeRecords(seed: number, count: number): ActionRecord[] {
  const random = createRandom(seed);
  const ends: Int32Array[] = [];
  return Array.from({ length: count }, () => {
    const from = ends.length === 0 || random.uniform() < 0.15 ? [] : ends[random.integer(ends.length)]!;
    const kept = from.slice(0, random.integer(from.length + 1));
    const context = Int32Array.from([...kept, ...someIds(random, 1 + random.integer(12))]);
    const tokens = [...someIds(random, 1 + random.integer(8))];
    ends.push(Int32Array.from([...context, ...tokens]));
    return { prompt: { text: '', tokens: context }, tokens };
  });
}

/** Gradients that depend on the record, its tokens and their log-probabilities. */
const gradientsFrom =
  (first: number): LossGradient =>
  (logProbs) =>
    logProbs.map((row, index) =>
      row.map((value, token) => Math.cos(3 * (first + index) + token) - 0.1 * value),
    );

/** The gradient with every record in a call, and so in a row, of its own. */
async function unpacked(policy: TrainablePolicy, records: readonly ActionRecord[]): Promise<Float64Array> {
  const sum = new Float64Array(policy.parameters().length);
  for (const [index, record] of records.entries()) {
    const part = await policy.gradient([record], gradientsFrom(index), SAMPLING);
    for (let at = 0; at < sum.length; at++) sum[at]! += part[at]!;
  }
  return sum;
}

/** The largest difference, in root mean squares of the first. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [squares, most] = [0, 0];
  for (let index = 0; index < a.length; index++) {
    squares += a[index]! ** 2;
    most = Math.max(most, Math.abs(a[index]! - b[index]!));
  }
  return most / Math.sqrt(squares / a.length);
}

/** Tests that an update over shared prefixes has the gradient of its actions one by one, on some backends. */
export function testSharedPrefixes(backends: readonly BackendName[]): void {
  describe.each([...backends])('on %s', async (backend) => {
    await loadBackend(backend);
    const policy = await createPolicy({ backend });
    afterAll(async () => {
      await loadBackend(backend);
      policy.dispose();
    });

    it('a tree in one update has the gradient of its actions one by one', async () => {
      await loadBackend(backend);
      const numRuns = { wasm: 40, tensorflow: 10, webgpu: 1 }[backend];
      const max = backend === 'webgpu' ? 10 : 24; // a software driver takes seconds per record
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 1e6 }),
          fc.integer({ min: backend === 'webgpu' ? 5 : 1, max }),
          async (seed, count) => {
            const records = treeRecords(seed, count);
            const packed = await policy.gradient(records, gradientsFrom(0), SAMPLING);
            expect(distance(await unpacked(policy, records), packed)).toBeLessThan(1e-5);
          },
        ),
        { numRuns, seed: 1 },
      );
    });

    it('and another one where an action goes on from elsewhere', async () => {
      await loadBackend(backend);
      const count = backend === 'webgpu' ? 4 : 12;
      const records = treeRecords(7, count);
      const last = records[count - 1]!;
      const moved = records.with(count - 1, {
        ...last,
        prompt: {
          text: '',
          tokens: Int32Array.from(last.prompt.tokens!, (id, at) => (at === 0 ? id ^ 1 : id)),
        },
      });
      const packed = await policy.gradient(moved, gradientsFrom(0), SAMPLING);
      expect(distance(await unpacked(policy, records), packed)).toBeGreaterThan(1e-3);
    });
  });
}
