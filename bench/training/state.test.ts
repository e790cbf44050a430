import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resealed } from '../framed.test-helper.ts';
import { readState, type SavedTraining, writeState } from './state.ts';

const state: SavedTraining = {
  iteration: 1,
  asked: 12,
  parameters: Float32Array.of(1.5, Number.NaN, -0),
  prompts: [{ text: 'line\nbreak "quoted"', actions: ['a', 'b', 'c'] }],
  previous: Float64Array.of(0.1),
  adam: { first: Float64Array.of(1e-300, 2), second: Float64Array.of(3, Number.POSITIVE_INFINITY), steps: 7 },
  heads: [
    {
      parameters: Float64Array.of(1, 2),
      adam: { first: Float64Array.of(3, 4), second: Float64Array.of(5, 6), steps: 2 },
    },
  ],
  metrics: [
    { iteration: 0, loss: Number.NaN, note: 'text' },
    { loss: -0, norm: -Infinity, empty: null },
  ],
  timings: [{ iteration: 0 }, { iteration: 1, rollout_seconds: 0.1 + 0.2 }],
};

function changedBit(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[changed.length - 1]! ^= 1;
  return changed;
}

describe('the state of a training', () => {
  it('is the same from bytes, to the last bit', () => {
    const { prompts, previous, ...plain } = state;
    for (const one of [state, { ...plain, prompts: undefined, previous: undefined, heads: [] }]) {
      const bytes = writeState(one);
      expect(readState(bytes)).toStrictEqual(one);
      // Also where the bytes lie at an odd place of their memory.
      const moved = new Uint8Array(bytes.length + 3);
      moved.set(bytes, 3);
      expect(readState(moved.subarray(3))).toStrictEqual(one);
    }
  });

  const bytes = writeState(state);
  const text = Buffer.from(bytes).toString('latin1');
  it.each<[string, Uint8Array, RegExp]>([
    ['no header', bytes.subarray(0, 20), /its first line is not that of a training state/],
    ['one bit changed', changedBit(bytes), /its checksum does not match/],
    ['a cut', resealed(bytes.subarray(0, -8)), /its arrays should have \d+ bytes/],
    ['too much', resealed(Buffer.concat([bytes, Buffer.alloc(8)])), /its arrays should have \d+ bytes/],
    [
      'a claim of 10^15 numbers',
      resealed(Buffer.from(text.replace('"length":3', '"length":1000000000000000'), 'latin1')),
      /its arrays should have/,
    ],
    ['another format', resealed(Buffer.from(text.replace('state 2', 'state 1'), 'latin1')), /format/],
    [
      'lost rows',
      resealed(Buffer.from(text.replace('"iteration":1,', '"iteration":2,'), 'latin1')),
      /3 rows/,
    ],
    [
      'lost steps',
      resealed(Buffer.from(text.replace('"steps":[7,2]', '"steps":[7]'), 'latin1')),
      /7 arrays, not 4/,
    ],
    [
      'moments of another kind',
      resealed(
        Buffer.from(
          text
            .replace('{"kind":"float64","length":2}', '{"kind":"float32","length":2}')
            .replace('"length":3', '"length":5'),
          'latin1',
        ),
      ),
      /not 2 numbers of float64/,
    ],
  ])('is refused with %s', (_, wrong, message) => {
    expect(() => readState(wrong)).toThrow(message);
  });

  it('is read or refused from any bytes, in no more memory than theirs', () => {
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        fc.uint8Array({ maxLength: 40 }),
        fc.boolean(),
        (at, patch, isCut) => {
          const wrong = Uint8Array.from(bytes);
          wrong.set(patch.subarray(0, bytes.length - at), at);
          try {
            readState(resealed(isCut ? wrong.subarray(0, at) : wrong));
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            expect(error).not.toBeInstanceOf(RangeError);
          }
        },
      ),
      { numRuns: 10_000, seed: 8 },
    );
  });
});
