import { InputError } from '../core/errors.ts';
import { a2tgpo } from './a2tgpo/index.ts';
import { actFocus } from './actfocus/index.ts';
import { aipo } from './aipo/index.ts';
import { akbe } from './akbe/index.ts';
import type { AnyAlgorithm } from './algorithm.ts';
import { appo } from './appo/index.ts';
import { arpo } from './arpo/index.ts';
import { carl } from './carl/index.ts';
import { carlExact } from './carl-exact/index.ts';
import { carlLite } from './carl-lite/index.ts';
import { dapo } from './dapo/index.ts';
import { drGrpo } from './dr-grpo/index.ts';
import { eapo } from './eapo/index.ts';
import { gigpo } from './gigpo/index.ts';
import { grpo } from './grpo/index.ts';
import { grpoVps } from './grpo-vps/index.ts';
import { gspo } from './gspo/index.ts';
import { igpo } from './igpo/index.ts';
import { mtGrpo } from './mt-grpo/index.ts';
import { pica } from './pica/index.ts';
import { ppo } from './ppo/index.ts';
import { randomCredit } from './random-credit/index.ts';
import { reinforce } from './reinforce/index.ts';
import { reinforcePp } from './reinforce-pp/index.ts';
import { reinforcePpBaseline } from './reinforce-pp-baseline/index.ts';
import { rloo } from './rloo/index.ts';
import { shuffledCredit } from './shuffled-credit/index.ts';
import { spaRl } from './spa-rl/index.ts';
import { taoRl } from './tao-rl/index.ts';
import { treeGrpo } from './tree-grpo/index.ts';
import { treeRl } from './treerl/index.ts';
import { vinePpo } from './vineppo/index.ts';

/** Every algorithm that comes with creditbench, in alphabetical order. */
export const ALGORITHMS = [
  a2tgpo,
  actFocus,
  aipo,
  akbe,
  appo,
  arpo,
  carl,
  carlExact,
  carlLite,
  dapo,
  drGrpo,
  eapo,
  gigpo,
  grpo,
  grpoVps,
  gspo,
  igpo,
  mtGrpo,
  pica,
  ppo,
  randomCredit,
  reinforce,
  reinforcePp,
  reinforcePpBaseline,
  rloo,
  shuffledCredit,
  spaRl,
  taoRl,
  treeGrpo,
  treeRl,
  vinePpo,
] as const satisfies readonly AnyAlgorithm[];

/** The registered algorithm of that id. Throws an InputError that lists the ids. */
export function findAlgorithm(id: string): AnyAlgorithm {
  const found = ALGORITHMS.find((algorithm) => algorithm.id === id);
  if (found === undefined) {
    throw new InputError(
      `unknown algorithm '${id}'; valid: ${ALGORITHMS.map((algorithm) => algorithm.id).join(', ')}`,
    );
  }
  return found;
}
