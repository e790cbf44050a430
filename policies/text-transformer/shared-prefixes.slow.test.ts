import { availableBackends } from '../tensor/backend.ts';
import {
  hasSoftwareVulkan,
  requireSoftwareVulkanInCi,
  useSoftwareVulkan,
} from '../tensor/webgpu/software-vulkan.test-helper.ts';
import { testSharedPrefixes } from './shared-prefixes.test-helper.ts';

requireSoftwareVulkanInCi('packed updates on webgpu');
if (hasSoftwareVulkan) useSoftwareVulkan();
const present = (await availableBackends()).filter(({ problem }) => problem === undefined);
testSharedPrefixes(present.map(({ name }) => name).filter((name) => name !== 'wasm'));
