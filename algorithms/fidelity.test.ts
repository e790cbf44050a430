import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIDELITY_FILE, fidelity } from '../scripts/fidelity.ts';
import { ALGORITHMS } from './registry.ts';

describe('FIDELITY.md', () => {
  it("is what the algorithms' pages say, and every name and file in it exists (npm run fidelity)", () => {
    expect(readFileSync(FIDELITY_FILE, 'utf8')).toBe(fidelity());
  });

  describe('is refused', () => {
    const file = 'gigpo.test.ts';
    const changed = (change: (source: string) => string) => (path: string) => {
      const source = readFileSync(path, 'utf8');
      return path.endsWith(file) ? change(source) : source;
    };

    it('where no test is marked as checking an equation', () => {
      const without = changed((source) => source.replaceAll(/^ *\/\/ equation \(gigpo\): Eq\. 5\n/gm, ''));
      expect(() => fidelity(without)).toThrow(
        "algorithms/gigpo/README.md: no test is marked as checking 'Eq. 5: return from step t on: `G_t = r_t + gamma G_{t+1}`'",
      );
    });

    it('where a marker names no equation', () => {
      const other = changed((source) => source.replace('(gigpo): Eq. 8', '(gigpo): Eq. 9'));
      expect(() => fidelity(other)).toThrow(/gigpo\.test\.ts: no equation of gigpo begins with 'Eq\. 9'/);
    });

    it('where a marker stands above no test', () => {
      const loose = changed((source) => `// equation (gigpo): Eq. 5\n${source}`);
      expect(() => fidelity(loose)).toThrow("'// equation (gigpo): Eq. 5' stands above no test");
    });
  });

  it('has every algorithm', () => {
    for (const { id } of ALGORITHMS) expect(fidelity()).toContain(`## [${id}](`);
  });

  it('says of a reconstruction that it is one, on its page, too', () => {
    for (const { id, description } of ALGORITHMS) {
      const page = readFileSync(new URL(`${id}/README.md`, import.meta.url), 'utf8');
      if (description.evidence !== 'reconstruction' || description.paper === 'none') continue;
      expect(page, id).toMatch(/reconstruct/i);
    }
  });
});
