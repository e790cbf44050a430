import { expect, it } from 'vitest';
import { carl } from '../carl/index.ts';
import { carlLite } from './index.ts';

// equation (carl-lite): as its page says
it('is CARL with one initial rollout and nothing else changed', () => {
  expect(carlLite.schema.parse({})).toEqual({ ...carl.schema.parse({}), initial: 1 });
  expect(carl.schema.parse({}).initial).toBe(8);
  expect(carlLite.budget(17)).toEqual({ initial: 1, forks: 16 });
  expect(carl.budget(24)).toEqual({ initial: 8, forks: 16 });
});
