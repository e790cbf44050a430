import { atif } from './atif.ts';
import type { TrajectoryReader } from './reader.ts';
import { tinker } from './tinker.ts';
import { trl } from './trl.ts';
import { verifiers } from './verifiers/read.ts';
import { verl } from './verl.ts';

export { type CreditedTrajectory, writeVerifiers } from './verifiers/write.ts';

/** The readers of formats of others, in the order in which a file is tried. */
export const FOREIGN_READERS: readonly TrajectoryReader[] = [verifiers, atif, verl, trl, tinker];
