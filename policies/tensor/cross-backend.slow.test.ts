import { afterAll, describe, expect, it } from 'vitest';
import { availableBackends, loadBackend } from './backend.ts';
import { distance, figuresOn } from './figures.test-helper.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from './webgpu/software-vulkan.test-helper.ts';

requireSoftwareVulkanInCi('webgpu beside wasm');
if (hasSoftwareVulkan) useSoftwareVulkan();

const others = (await availableBackends()).filter(
  ({ name, problem }) => name !== 'wasm' && problem === undefined,
);
const reference = await figuresOn('wasm');

afterAll(() => loadBackend('wasm'));

// Backends that are not there are told by `creditbench doctor`; with none there is nothing to compare.
describe.each(others.map(({ name }) => name))('%s beside wasm', async (backend) => {
  const found = await figuresOn(backend);

  it('draws the same tokens with the same uniforms', () => {
    expect(found.tokens).toEqual(reference.tokens);
  });

  it.each(['sampled', 'read', 'listed'] as const)('has the same log-probabilities (%s)', (which) => {
    expect(distance(reference[which], found[which]).most).toBeLessThan(1e-5);
  });

  it.each(['textGradient', 'listedGradient'] as const)('has the same %s', (which) => {
    const { most, scale } = distance(reference[which], found[which]);
    expect(most).toBeLessThan(1e-4 * scale);
  });
});

it('tells weights apart that differ by a thousandth', async () => {
  const nudged = await figuresOn('wasm', 1.001);
  for (const which of ['sampled', 'read', 'listed'] as const) {
    expect(distance(reference[which], nudged[which]).most).toBeGreaterThan(1e-4);
  }
  for (const which of ['textGradient', 'listedGradient'] as const) {
    const { most, scale } = distance(reference[which], nudged[which]);
    expect(most).toBeGreaterThan(1e-3 * scale);
  }
});
