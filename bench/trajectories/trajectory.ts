import { z } from 'zod';

/** Name and version of the format, on every line. */
export const TRAJECTORY_FORMAT = 'creditbench-trajectory';
export const TRAJECTORY_VERSION = 1;

const name = z.string().min(1).max(1000);
const ids = z.array(z.int().min(0));
const numbers = z.array(z.number());
const count = z.int().min(0);

const observation = z
  .strictObject({
    tokens: ids.optional().describe('Ids as the policy read them.'),
    text: z.string().optional().describe('The text of what was read.'),
    actions: z
      .array(z.string())
      .optional()
      .describe('The listed actions, if the policy chooses from a list: a token is a position in it.'),
  })
  .describe(
    'What the policy read before the action: the prompt in the first turn, then what the last action brought.',
  );

const turn = z
  .strictObject({
    observation: observation.optional(),
    tokens: ids.min(1).describe('Ids of the action as they were sampled.'),
    text: z.string().optional().describe('The text of the action.'),
    logprobs: numbers.optional().describe('Log-probabilities (nats) of the tokens when they were sampled.'),
    entropies: numbers
      .optional()
      .describe('Entropies (nats) of the distributions that the tokens were drawn from.'),
    reward: z.number().optional().describe('Reward of the action. Default 0.'),
    outputs: z
      .record(name, numbers)
      .optional()
      .describe("What a critic says before each token, by its name: 'critic' is a value head's."),
    previous: numbers.optional().describe('Log-probabilities under the weights before the last update.'),
    reference: numbers.optional().describe('Log-probabilities under the reference weights.'),
    pieces: z.array(z.string()).optional().describe('What every token adds to the text.'),
    gold: z
      .number()
      .optional()
      .describe(
        'Mean log-probability per token of an accepted answer, if the policy had to answer before this action.',
      ),
    milestones: count.optional().describe('Golden intermediate steps that were reached before this action.'),
    tool: z
      .boolean()
      .optional()
      .describe(
        'Whether the action called a tool and got its result. Default: whether another turn follows.',
      ),
    cut: z.boolean().optional().describe('Whether the action was cut at a limit of tokens. Default false.'),
    forced: count.optional().describe('How many leading tokens the policy did not draw. Default 0.'),
    begin: z
      .enum(['answer', 'expert'])
      .optional()
      .describe('What the rollout was made to do here: answer at once, or take an action of an expert.'),
    order: count
      .optional()
      .describe(
        'Place of the action in the order in which those of its group were sampled: orders sums. Default: by trajectory.',
      ),
  })
  .describe('One action of the policy, after what it read.');

/**
 * One line of a file of trajectories, version 1: a whole rollout of one question. Every array of numbers beside `tokens`
 * is as long as that.
 */
export const trajectorySchema = z
  .strictObject({
    format: z.literal(TRAJECTORY_FORMAT),
    version: z.literal(TRAJECTORY_VERSION),
    group: name.describe('The rollouts of one question in one step of training have the same.'),
    id: name.describe('Unique in its group.'),
    batch: z
      .union([name, count])
      .optional()
      .describe('What is normalised together: a step of training. Default: all that is read together.'),
    question: z.string().optional(),
    answers: z.array(z.string()).optional().describe('The accepted answers.'),
    turns: z.array(turn).min(1),
    reward: z.number().optional().describe("Reward of the whole, added to the last action's. Default 0."),
    end: z
      .enum(['terminated', 'truncated'])
      .optional()
      .describe("'truncated': cut by a limit, not ended by the task. Default 'terminated'."),
    milestones: count.optional().describe('Golden intermediate steps that were reached at the end.'),
    fork: z
      .strictObject({
        of: name.describe('Id of the trajectory that this one left, in the same group.'),
        turn: count.describe('Turns that both share. The next is the first of its own.'),
        tokens: z.int().min(1).optional().describe('Leading tokens that the next action also shares.'),
      })
      .optional()
      .describe('Where this trajectory left another one. The turns before are repeated here.'),
    round: count
      .optional()
      .describe('How often the sampler had decided where to sample before. Default 0, and 1 if forked.'),
  })
  .describe('creditbench trajectory: a rollout of one question, token by token.');

/**
 * One rollout of one question, token by token: see `trajectorySchema` for the fields.
 * @experimental
 */
export type Trajectory = z.infer<typeof trajectorySchema>;
/**
 * One action of a trajectory, and what was read before it.
 * @experimental
 */
export type TrajectoryTurn = Trajectory['turns'][number];

/** The JSON Schema of a line. */
export function trajectoryJsonSchema(): object {
  return z.toJSONSchema(trajectorySchema, { io: 'input' });
}

const PER_TOKEN = ['logprobs', 'entropies', 'previous', 'reference', 'pieces'] as const;

/**
 * What is wrong with a trajectory that has the right fields, or undefined: lengths that differ from the number of tokens,
 * more forced tokens than there are, a fork behind its own end.
 */
export function trajectoryProblem({ turns, fork }: Trajectory): string | undefined {
  for (const [index, one] of turns.entries()) {
    const { length } = one.tokens;
    const arrays = [
      ...PER_TOKEN.map((field) => [field, one[field]] as const),
      ...Object.entries(one.outputs ?? {}).map(([head, values]) => [`outputs.${head}`, values] as const),
    ];
    for (const [field, values] of arrays) {
      if (values !== undefined && values.length !== length) {
        return `turns[${index}].${field} has ${values.length} elements; valid: ${length}, one per token`;
      }
    }
    if ((one.forced ?? 0) > length) {
      return `turns[${index}].forced is ${one.forced}; valid: 0 to ${length}, its tokens`;
    }
  }
  if (fork === undefined) return undefined;
  if (fork.turn >= turns.length) {
    return `fork.turn is ${fork.turn}; valid: 0 to ${turns.length - 1}, its turns but the last`;
  }
  const { length } = turns[fork.turn]!.tokens;
  if (fork.tokens !== undefined && fork.tokens >= length) {
    return `fork.tokens is ${fork.tokens}; valid: 1 to ${length - 1}, less than the action has`;
  }
  return undefined;
}
