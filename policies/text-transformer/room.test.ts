import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { createTextTransformer } from './index.ts';
import { CONFIG, codec, createPolicy, someIds, VOCABULARY } from './letters.test-helper.ts';

describe('what does not fit into memory is refused before it is computed', () => {
  it('weights', async () => {
    const config = { ...CONFIG, modelSize: 4096, layers: 32, ffnSize: 14336, headSize: 128, heads: 32 };
    const make = createTextTransformer({
      config,
      codec,
      vocabularySize: VOCABULARY,
      random: createRandom(1),
    });
    await expect(make).rejects.toThrow(InputError);
    await expect(make).rejects.toThrow(
      / parameters need \d{5} MiB, and backend wasm has 4096; valid: a smaller model/,
    );
  });

  it('rows', async () => {
    const policy = await createPolicy();
    const ids = someIds(createRandom(2), 18_000);
    const record = { prompt: { text: '', tokens: ids.subarray(0, 10) }, tokens: [...ids.subarray(10)] };
    const zero = (rows: readonly Float64Array[]) => rows.map((row) => row.map(() => 0));
    for (const [does, call] of [
      ['reading', () => policy.logProbs([record], { temperature: 1 })],
      ['reading', () => policy.features([record], { temperature: 1 })],
      ['a gradient over', () => policy.gradient([record], zero, { temperature: 1 })],
    ] as const) {
      const failure = call();
      await expect(failure).rejects.toThrow(InputError);
      await expect(failure).rejects.toThrow(
        new RegExp(
          `${does} a row of 18000 tokens needs \\d{4,5} MiB beside the \\d+ that are in use, .* wasm has 4096`,
        ),
      );
    }
    // What fits still runs.
    const [short] = await policy.logProbs([{ ...record, tokens: record.tokens.slice(0, 50) }], {
      temperature: 1,
    });
    expect(short).toHaveLength(50);
    policy.dispose();
  });
});
