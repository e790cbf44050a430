import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPolicy, request, VOCABULARY } from './letters.test-helper.ts';

const ids = fc.array(fc.nat(VOCABULARY - 1), { minLength: 1, maxLength: 40 });
/** A context: the first `share` (of 1) of an earlier one, and more ids. */
const steps = fc.record({ parent: fc.nat(), share: fc.double({ min: 0, max: 1, noNaN: true }), more: ids });
const waves = fc.array(fc.array(steps, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });

it('a tree of contexts, in any waves and any cache, gives the bits of every context alone', async () => {
  const alone = await createPolicy();
  const caches = [1, 20_000, 1 << 22];
  const others = await Promise.all(caches.map((cacheFloats) => createPolicy({ cacheFloats })));
  await fc.assert(
    fc.asyncProperty(waves, async (plan) => {
      for (const policy of others) policy.setParameters(policy.parameters());
      const contexts: number[][] = [[1, 2, 3]];
      for (const [wave, members] of plan.entries()) {
        const fresh = members.map(({ parent, share, more }) => {
          const source = contexts[parent % contexts.length]!;
          return [...source.slice(0, Math.round(share * source.length)), ...more];
        });
        const requests = () =>
          fresh.map((context, index) => request(context, 10 * wave + index, { maxTokens: 5 }));
        const expected: unknown[] = [];
        for (const one of requests()) {
          alone.setParameters(alone.parameters());
          expected.push(...(await alone.act([one], { temperature: 1 })));
        }
        for (const [index, policy] of others.entries()) {
          const actions = await policy.act(requests(), { temperature: 1 });
          expect(actions).toEqual(expected);
          if (index === 0) contexts.push(...fresh.map((context, at) => [...context, ...actions[at]!.tokens]));
        }
      }
    }),
    { numRuns: 25 },
  );
  for (const policy of [alone, ...others]) policy.dispose();
});
