import { ALGORITHMS } from './algorithms/registry.ts';
import { createCatalog } from './bench/catalog/catalog.ts';
import { ENVIRONMENTS } from './envs/registry.ts';
import { POLICIES } from './policies/registry.ts';

/** Everything that comes with creditbench. Whoever starts a run hands it down; nothing below looks here. */
export const CATALOG = createCatalog({
  algorithms: ALGORITHMS,
  environments: ENVIRONMENTS,
  policies: POLICIES,
});
