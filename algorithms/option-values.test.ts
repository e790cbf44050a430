import { describe, expect, it } from 'vitest';
import { checkAlgorithm } from '../bench/audit/check-algorithm.ts';
import { createRandom } from '../core/random.ts';
import { ALGORITHMS } from './registry.ts';

/** What of zod's description of a schema is looked at. */
interface Definition {
  readonly type: string;
  readonly innerType?: { readonly def: Definition };
  readonly in?: { readonly def: Definition };
  readonly shape?: Readonly<Record<string, { readonly def: Definition }>>;
  readonly entries?: Readonly<Record<string, string>>;
}

const inner = (definition: Definition): Definition =>
  definition.innerType === undefined ? definition : inner(definition.innerType.def);

/** The options that take one of a few words or yes and no, with their values. */
function choices(schema: unknown): readonly (readonly [option: string, value: string | boolean])[] {
  const { shape } = inner((schema as { readonly def: Definition }).def);
  return Object.entries(shape!).flatMap(([name, { def }]) => {
    const { type, entries } = inner(def);
    const values = type === 'enum' ? Object.values(entries!) : type === 'boolean' ? [true, false] : [];
    return values.map((value) => [name, value] as const);
  });
}

describe('every value of every option', () => {
  for (const algorithm of ALGORITHMS) {
    const all = choices(algorithm.schema);
    if (all.length === 0) continue;
    it(`of ${algorithm.id} keeps the contract of algorithms`, async () => {
      for (const [name, value] of all) {
        const options = { [name]: value };
        const problems = await checkAlgorithm(algorithm as never, {
          random: createRandom(0),
          ...{ options, batches: 2, constantRewards: 'any' },
        });
        expect(problems, `${name}: ${value}`).toEqual([]);
      }
    });
  }
});
