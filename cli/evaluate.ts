import { dirname } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { formatCsv } from '../bench/csv.ts';
import { type Evaluation, evaluateQuestions } from '../bench/rollout/evaluate-questions.ts';
import { samplingOf } from '../bench/training/train.ts';
import { startingPolicy } from '../bench/training/warm-start.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { createRandom, shuffled } from '../core/random.ts';
import type { LoadedEnvironment, Task } from '../envs/environment.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { wholeNumber } from './options.ts';
import {
  addServerOptions,
  addStartOptions,
  type StartFlags,
  type StartingPoint,
  startingPoint,
} from './starting-point.ts';
import { stopSignals } from './stop-signals.ts';
import { renderTable } from './table.ts';
import { print, retell, tell } from './terminal.ts';

interface EvaluateFlags extends StartFlags, TableFlags {
  readonly data?: string;
  readonly split: string;
  readonly questions?: number;
  readonly episodes: number;
  readonly greedy?: boolean;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly cache: string;
}

const EXAMPLES = `
Examples:
  creditbench evaluate search --questions 100
  creditbench evaluate search --server http://127.0.0.1:8080 --tokenizer my-model --data hotpot_dev.json --questions 500
  creditbench evaluate multihop --split test --greedy --out multihop.csv

--data takes a question file of HotpotQA, 2WikiMultihopQA, MuSiQue, Bamboogle or another known format, and implies the
environment's option questions: files; its passages are the corpus unless environments.search.options.corpus names one.
F1 and EM follow the data set's own rules. Intervals are 95 %, Student's t over questions.
`;

const COLUMNS = [
  { name: 'score', rank: 0 },
  { name: 'mean', number: true, rank: 0 },
  { name: 'low', number: true, rank: 1 },
  { name: 'high', number: true, rank: 1 },
  { name: 'questions', number: true, rank: 2 },
];

/** `creditbench evaluate`: scores of a policy that is not trained. */
export function evaluateCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('evaluate')
    .description('scores a policy as it is on questions: F1, EM, what the environment counts')
    .argument(
      '<environment>',
      'environment (see: creditbench list environments), or a file of your own: ./world.ts',
    )
    .option('--data <file>', "question file, in place of the environment's own questions")
    .option('--split <name>', 'questions: train, dev or test', 'dev')
    .option(
      '--questions <n>',
      'number of questions, drawn with the seed (default: all)',
      wholeNumber('--questions', 1, 1_000_000),
    )
    .option('--episodes <n>', 'episodes per question', wholeNumber('--episodes', 1, 10_000), 1)
    .option('--greedy', 'takes the most likely action or token instead of drawing')
    .option('--seed <n>', 'seed of the draws', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 0);
  addServerOptions(addStartOptions(command))
    .option('--out <file>', 'writes one row per episode as CSV')
    .option('--json', 'prints the scores as JSON');
  return addTableOptions(
    command,
    COLUMNS.map(({ name }) => name),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: EvaluateFlags) => {
      if (flags.greedy && flags.episodes > 1) {
        throw new InputError(
          `--episodes: ${flags.episodes} is not valid with --greedy, which repeats itself; valid: 1`,
        );
      }
      if (flags.data !== undefined && flags.split !== 'dev') {
        throw new InputError(
          `--split: '${flags.split}' is not valid with --data, whose questions are the dev questions; valid: dev`,
        );
      }
      const start = await startingPoint(id, {
        ...flags,
        set: [...dataSettings(id, flags), ...(flags.set ?? [])],
      });
      setExitCode(await blaming(start.catalog, () => evaluateOf(start, flags)));
    });
}

/** An environment that reads files evaluates on its dev questions. */
const dataSettings = (id: string, { data }: EvaluateFlags): readonly string[] =>
  data === undefined
    ? []
    : [
        `environments.${id}.options.questions=files`,
        `environments.${id}.options.files.dev=${JSON.stringify(data)}`,
      ];

async function evaluateOf(
  { environment, catalog, backend }: StartingPoint,
  flags: EvaluateFlags,
): Promise<number> {
  if (flags.out !== undefined) await makeWritable('--out', dirname(flags.out));
  const { signal, received, release } = stopSignals();
  const context = {
    cacheDirectory: flags.cache,
    signal,
    onNotice: (message: string) => tell(`note: ${message}\n`),
    onProgress: ({ stage }: { stage: string }) => {
      if (process.stderr.isTTY) retell(stage);
    },
  };
  let evaluation: Evaluation;
  let loaded: LoadedEnvironment;
  let notes: readonly string[];
  try {
    const spec = catalog.environment(nameOfChoice(environment));
    loaded = await loadEnvironment(spec, environment.options, context);
    const tasks = chooseTasks(loaded, flags);
    const { policy } = await startingPolicy(
      { ...environment, environment, backend },
      catalog,
      loaded,
      context,
    );
    try {
      notes = policy.notes ?? [];
      for (const note of notes) tell(`note: ${note}\n`);
      evaluation = await evaluateQuestions({
        loaded,
        policy,
        tasks,
        episodes: flags.episodes,
        decoding: flags.greedy ? 'greedy' : 'sample',
        sampling: samplingOf(environment.training, policy),
        random: createRandom(flags.seed).split('evaluate command'),
        signal,
        onProgress: (done) => context.onProgress({ stage: `question ${done} of ${tasks.length}` }),
      });
    } finally {
      policy.dispose();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    tell('stopped: nothing was written\n');
    return received() === 'SIGTERM' ? 143 : 130;
  } finally {
    release();
    if (process.stderr.isTTY) retell('');
  }
  if (flags.out !== undefined)
    await writeFileAtomic(flags.out, formatCsv(evaluation.columns, evaluation.rows));
  print(
    flags.json
      ? `${printableJson({
          environment: environment.id,
          policy: environment.policy,
          fingerprint: loaded.fingerprint,
          notes,
          scores: evaluation.scores,
        })}\n`
      : `${table(evaluation, flags)}\n`,
  );
  if (flags.out !== undefined) tell(`file: ${flags.out}\n`);
  return 0;
}

function chooseTasks(loaded: LoadedEnvironment, { split, questions, seed }: EvaluateFlags): readonly Task[] {
  if (split !== 'train' && split !== 'dev' && split !== 'test') {
    throw new InputError(`--split: '${split}' is not valid; valid: train, dev, test`);
  }
  const all = loaded.tasks[split];
  if (all.length === 0) throw new InputError(`--split: ${loaded.environment.id} has no ${split} questions`);
  if (questions === undefined) return all;
  if (questions > all.length) {
    throw new InputError(
      `--questions: ${questions} is not valid; valid: whole number from 1 to ${all.length}, the ${split} questions`,
    );
  }
  return shuffled(all, createRandom(seed).split('evaluate command', 'questions')).slice(0, questions);
}

const number = (value: number | null): string => (value === null ? '-' : value.toFixed(3));

const table = ({ scores }: Evaluation, flags: TableFlags): string =>
  renderTable(
    COLUMNS,
    scores.map(({ name, value, low, high, n }) => [
      name,
      number(value),
      number(low),
      number(high),
      String(n),
    ]),
    layoutOf(flags),
  );
