import { carlFamily } from '../carl/index.ts';

/**
 * CARL that forks by the entropy of a state's action distribution instead of the surprisal of the actions that
 * happened to be sampled there, so that what was sampled no longer decides directly where to fork.
 */
export const carlExact = carlFamily(
  'carl-exact',
  'CARL, forking by exact entropy instead of surprisal',
  { initial: 8, entropy: 'exact' },
  'reconstruction',
);
