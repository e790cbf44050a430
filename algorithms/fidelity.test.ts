import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIDELITY_FILE, fidelity } from '../scripts/fidelity.ts';
import { ALGORITHMS } from './registry.ts';

describe('FIDELITY.md', () => {
  it("is what the algorithms' pages say, and every name and file in it exists (npm run fidelity)", () => {
    expect(readFileSync(FIDELITY_FILE, 'utf8')).toBe(fidelity());
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
