import { ownReader } from './own.ts';
import type { TrajectoryReader } from './reader.ts';

/** All formats that are read, in the order in which they are tried. */
export const READERS: readonly TrajectoryReader[] = [ownReader];
