import { type Algorithm, flatPlan, objectiveOptions, toObjective, trajectoryCredit } from 'creditbench';
import { z } from 'zod';
import { median } from './median.js';

const schema = z
  .strictObject({
    /** Rollouts per question. */
    groupSize: z.int().min(2).max(4096).default(16),
    ...objectiveOptions({ aggregation: 'sequence-mean-token-sum' }),
  })
  .prefault({});

type MedianOptions = z.infer<typeof schema>;

/** Every return is compared with the median of the others. */
const medianBaseline: Algorithm<MedianOptions> = {
  id: 'median-baseline',
  description: {
    title: 'Group policy gradient, median of the others as baseline',
    paper: 'none',
    granularity: 'trajectory',
    evidence: 'reconstruction',
  },
  schema,
  next: (tree, { groupSize }) => flatPlan(tree, groupSize),
  credit: (trees) =>
    trajectoryCredit(trees, (returns) => returns.map((value, i) => value - median(returns.toSpliced(i, 1)))),
  objective: toObjective,
  budget: (rollouts) => ({ groupSize: rollouts }),
};

export default medianBaseline;
