import { atif } from './atif.ts';
import { ownReader } from './own.ts';
import type { TrajectoryReader } from './reader.ts';
import { tinker } from './tinker.ts';
import { trl } from './trl.ts';
import { verifiers } from './verifiers/read.ts';
import { verl } from './verl.ts';

export { writeVerifiers } from './verifiers/write.ts';

/** All formats that are read, in the order in which a file is tried. */
export const READERS: readonly TrajectoryReader[] = [ownReader, verifiers, atif, verl, trl, tinker];
