import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../catalog.ts';
import { readSuite, suiteNames } from '../suites/file.ts';
import { resolveSuite } from '../suites/suite.ts';

const builtIn = async (name: string) => resolveSuite(await readSuite(name), CATALOG);

describe('built-in suites', () => {
  it('are valid, carry the name of their file and say what they are', async () => {
    for (const name of await suiteNames()) {
      const suite = await builtIn(name);
      expect(suite.name).toBe(name);
      expect(suite.description).not.toBe('');
    }
  });

  it('paper has the published settings (reference, sections 2.8 and 2.9)', async () => {
    const suite = await builtIn('paper');
    const options = Object.fromEntries(suite.algorithms.map(({ name, options }) => [name, options]));
    expect(options).toMatchObject({
      grpo: { groupSize: 16 },
      'carl-lite': { initial: 1, forks: 16, entropy: 'surprisal', updateRule: 'forked' },
      carl: { initial: 8, forks: 16, entropy: 'surprisal', updateRule: 'forked' },
    });
    expect(suite.training).toMatchObject({ iterations: 100, questions: 128 });
    expect(suite.environments).toMatchObject([{ id: 'multihop/v1', options: { maxTurns: 10 } }]);
  });
});
