import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { grpo } from '../algorithms/grpo/index.ts';
import { InputError } from '../core/errors.ts';
import { algorithmOptions } from './algorithm-options.ts';

const message = (algorithm: AnyAlgorithm, text: string): string => {
  try {
    algorithmOptions(algorithm, text);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error('was accepted');
};

describe('--options', () => {
  it('completes what is given, the budget first', () => {
    const { options, given } = algorithmOptions(grpo, '{clipLow: 0.1}', { groupSize: 4 });
    expect(given).toEqual({ groupSize: 4, clipLow: 0.1 });
    expect(options).toMatchObject({ groupSize: 4, clipLow: 0.1, aggregation: expect.any(String) });
  });

  it('names a key that is not known, and those that are', () => {
    // In YAML that is one key, 'a:1', with no value.
    const text = message(grpo, '{a:1}');
    expect(text).toMatch(/^--options: not valid for grpo: a:1: unknown key; valid keys: groupSize, /);
  });

  it('names a value that is not valid, and the range', () => {
    expect(message(grpo, '{groupSize: 0}')).toMatch(
      /^--options: not valid for grpo: groupSize: 0 is not valid; valid: whole number from 1 to \d+$/,
    );
  });

  it('shows no empty path where the options are wrong as a whole', () => {
    const schema = z
      .strictObject({ low: z.number(), high: z.number() })
      .refine(({ low, high }) => low < high, {
        error: 'low must be below high',
      });
    expect(message({ ...grpo, schema } as AnyAlgorithm, '{low: 2, high: 1}')).toBe(
      '--options: not valid for grpo: {"low":2,"high":1} is not valid: low must be below high',
    );
  });
});
