import { budget } from './budget/index.ts';
import { capability } from './capability/index.ts';
import { cascade } from './cascade/index.ts';
import { confidentMistake } from './confident-mistake/index.ts';
import { dependentSiblings } from './dependent-siblings/index.ts';
import type { Experiment } from './experiment.ts';
import { horizon } from './horizon/index.ts';
import { insideTheAction } from './inside-the-action/index.ts';
import { irrelevantUncertainty } from './irrelevant-uncertainty/index.ts';
import { late } from './late/index.ts';
import { length } from './length/index.ts';
import { misleadingProgress } from './misleading-progress/index.ts';
import { mixedDifficulty } from './mixed-difficulty/index.ts';
import { noise } from './noise/index.ts';
import { recovery } from './recovery/index.ts';
import { revisits } from './revisits/index.ts';
import { scattered } from './scattered/index.ts';
import { team } from './team/index.ts';
import { unreliableTool } from './unreliable-tool/index.ts';

/** All experiments, in the order of tables: where credit has to reach, what disturbs it, what there is to learn from. */
export const EXPERIMENTS: readonly Experiment[] = [
  horizon,
  late,
  scattered,
  cascade,
  recovery,
  length,
  insideTheAction,
  noise,
  team,
  unreliableTool,
  dependentSiblings,
  irrelevantUncertainty,
  confidentMistake,
  misleadingProgress,
  capability,
  mixedDifficulty,
  revisits,
  budget,
];
