import { z } from 'zod';

/** How a policy is trained and measured; the same for every algorithm of a suite. */
export const trainingSchema = z
  .strictObject({
    /** Training iterations: sample questions, roll out, credit, update. */
    iterations: z.int().min(1).max(100_000).default(60),
    /** Questions per iteration. */
    questions: z.int().min(1).max(4096).default(24),
    /** Adam's learning rate. */
    learningRate: z.number().positive().max(1).default(6e-4),
    /** Optimizer steps over which the learning rate rises linearly to its value. */
    warmupSteps: z.int().min(0).default(10),
    /** Adam's epsilon. */
    adamEpsilon: z.number().positive().max(1).default(1e-5),
    /** Softmax temperature of training rollouts (and of the log-probabilities that are trained). */
    temperature: z.number().positive().max(10).default(1),
    /**
     * Free text only: tokens are drawn from the smallest set of most likely ones whose probabilities reach this
     * (and that distribution is trained). 1: from all.
     */
    topP: z.number().gt(0).max(1).default(1),
    /** Optimizer steps per pass over an iteration's actions; questions are split evenly among them. */
    minibatches: z.int().min(1).max(1024).default(2),
    /** Passes over an iteration's actions. */
    epochs: z.int().min(1).max(64).default(1),
    /** The gradient is scaled down to this Euclidean norm when it is longer. */
    maxGradientNorm: z.number().positive().default(1),
    /** Evaluate before training, then every so many iterations, and after the last. */
    evaluateEvery: z.int().min(1).default(15),
    /** Dev questions per evaluation: the first so many of the split, always the same ones. */
    evaluationQuestions: z.int().min(1).default(500),
    /** Episodes per dev question; their scores are averaged. */
    evaluationEpisodes: z.int().min(1).max(1000).default(3),
    /** 'sample' draws at `temperature`; 'greedy' takes the most likely action. */
    evaluationDecoding: z.enum(['sample', 'greedy']).default('sample'),
  })
  .prefault({});

export type TrainingOptions = z.infer<typeof trainingSchema>;

/** How the common starting weights are made: a short supervised training on noisy demonstrations. */
export const warmStartSchema = z
  .strictObject({
    /** Optimizer steps; 0 starts from random weights. */
    steps: z.int().min(0).max(100_000).default(250),
    /** Demonstrated episodes per step. */
    episodes: z.int().min(1).max(4096).default(32),
    /** Probability that a demonstrated action is a mistake. */
    noise: z.number().min(0).max(1).default(0.05),
    learningRate: z.number().positive().max(1).default(5e-3),
    /** Seed of the weights and the demonstrations: the same for every algorithm and training seed. */
    seed: z.int().default(0),
    /**
     * Name of a shipped checkpoint, or folder of one that `creditbench warm-start` made: the run starts from it.
     * It brings the values above with it; those that are written all the same must be the ones that made it.
     */
    checkpoint: z.string().min(1).optional(),
  })
  .prefault({});

export type WarmStartOptions = z.infer<typeof warmStartSchema>;
