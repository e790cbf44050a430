import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { rollout } from '../bench/rollout/engine.ts';
import { describeEpisode, type Episode, type EpisodeTurn } from '../bench/rollout/episode.ts';
import { samplingOf } from '../bench/training/train.ts';
import { startingPolicy } from '../bench/training/warm-start.ts';
import { InputError } from '../core/errors.ts';
import { printableJson, printableLines } from '../core/printable.ts';
import { createRandom } from '../core/random.ts';
import type { LoadedEnvironment, Task } from '../envs/environment.ts';
import { greedy } from '../policies/enumerable.ts';
import { outputWidth } from './layout.ts';
import { collect, wholeNumber } from './options.ts';
import { EXPORT_OPTIONS, type ExportFlags, exportRollouts } from './rollout-export.ts';
import { addServerOptions, addStartOptions, type StartingPoint, startingPoint } from './starting-point.ts';
import { print, tell } from './terminal.ts';
import { wrapText } from './wrap.ts';

interface RolloutFlags extends ExportFlags {
  readonly question?: string;
  readonly answer?: readonly string[];
  readonly greedy?: boolean;
  readonly tokens?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench rollout search --question "What is the capital of the country that borders Portugal?" --tokens
  creditbench rollout multihop --question 12 --greedy
  creditbench rollout search --split test --seed 3 --json
  creditbench rollout search --server http://127.0.0.1:8080 --tokenizer my-model --set environments.search.options.prompt=search-r1

  creditbench rollout search --algorithm carl --questions 8 --out rollouts.jsonl    for creditbench credit

The policy is the suite's, at its warm start. --question takes the text of a question, its id, or its position in
the split (0 is the first).
`;

/** `creditbench rollout`: samples one episode and prints it, on stdout. */
export function rolloutCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('rollout')
    .description('samples one episode of the starting policy and prints it')
    .argument(
      '<environment>',
      'environment (see: creditbench list environments), or a file of your own: ./world.ts',
    )
    .option('--question <text>', 'text, id or position of the question (default: 0, the first of the split)')
    .option('--answer <text>', 'accepted answer to a typed question; may be given more than once', collect)
    .option('--split <name>', 'where questions are looked up: train, dev or test', 'dev')
    .option('--seed <n>', 'seed of the draws', wholeNumber('--seed', 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--greedy', 'takes the most likely action or token instead of drawing')
    .option('--tokens', 'shows every token with its entropy');
  for (const [flags, description, parse] of EXPORT_OPTIONS) {
    if (parse === undefined) command.option(flags, description);
    else command.option(flags, description, parse);
  }
  return addServerOptions(addStartOptions(command))
    .option('--json', 'prints the episode as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, flags: RolloutFlags) => {
      const { algorithm, questions, rollouts, out } = flags;
      const isExport = [algorithm, questions, rollouts, out].some((flag) => flag !== undefined);
      if (!isExport) return printEpisode(id, flags);
      const { question, answer, greedy: isGreedy, tokens } = flags;
      const [other] = Object.entries({ question, answer, greedy: isGreedy, tokens }).find(
        ([, flag]) => flag !== undefined,
      ) ?? [undefined];
      if (other !== undefined) {
        throw new InputError(
          `--${other}: not valid with --algorithm, which writes the rollouts of many questions`,
        );
      }
      setExitCode(await exportRollouts(id, flags));
    });
}

async function printEpisode(id: string, flags: RolloutFlags): Promise<void> {
  const start = await startingPoint(id, flags);
  await blaming(start.catalog, () => printEpisodeOf(start, flags));
}

async function printEpisodeOf(
  { environment, catalog, backend }: StartingPoint,
  flags: RolloutFlags,
): Promise<void> {
  const context = {
    cacheDirectory: flags.cache,
    onNotice: (message: string) => tell(`note: ${message}\n`),
  };
  const spec = catalog.environment(nameOfChoice(environment));
  const loaded = await loadEnvironment(spec, environment.options, context);
  const task = findTask(loaded, flags);
  const { policy } = await startingPolicy({ ...environment, environment, backend }, catalog, loaded, {
    ...context,
    onProgress: progressLine(),
  });
  for (const note of policy.notes ?? []) tell(`note: ${note}\n`);
  try {
    const [tree] = await rollout({
      environment: loaded.environment,
      policy: flags.greedy ? greedy(policy) : policy,
      plan: ({ edges }) => (edges.length === 0 ? [{ node: 0 }] : []),
      tasks: [task],
      random: createRandom(flags.seed).split('rollout command'),
      sampling: samplingOf(environment.training, policy),
    });
    const episode = describeEpisode(tree!, loaded, policy.codec);
    const text = flags.json
      ? printableJson(episode)
      : wrapText(renderEpisode(episode, { tokens: flags.tokens ?? false }), outputWidth());
    print(`${text}\n`);
  } finally {
    policy.dispose();
  }
}

/** Says once that starting weights are being made, which takes a minute. */
function progressLine(): (progress: { stage: string }) => void {
  let told = false;
  return ({ stage }) => {
    if (told || !stage.startsWith('warm start')) return;
    told = true;
    tell('making the starting weights; they are kept for the next time\n');
  };
}

function findTask(loaded: LoadedEnvironment, { question, answer, split, seed: _ }: RolloutFlags): Task {
  if (split !== 'train' && split !== 'dev' && split !== 'test') {
    throw new InputError(`--split: '${split}' is not valid; valid: train, dev, test`);
  }
  const tasks = loaded.tasks[split];
  const asked = question ?? '0';
  const known =
    tasks.find((task) => task.id === asked || task.question === asked) ??
    (/^\d+$/.test(asked) ? tasks[Number(asked)] : undefined);
  if (known !== undefined) return answer === undefined ? known : { ...known, answers: answer };
  if (/^\d+$/.test(asked)) {
    throw new InputError(
      `--question: there is no question ${asked} in ${split}; valid: 0 to ${tasks.length - 1}`,
    );
  }
  if (loaded.ask !== undefined) return loaded.ask(asked, answer ?? []);
  throw new InputError(
    `--question: '${asked}' is not a question of ${loaded.environment.id} (${split}), which takes no others; valid: the text or id of one, or its position, 0 to ${tasks.length - 1}`,
  );
}

const number = (value: number): string => value.toFixed(2);

/** An episode as text, without the control characters that its texts may have. */
export function renderEpisode(episode: Episode, { tokens }: { readonly tokens: boolean }): string {
  const { answers, f1, em, metrics } = episode;
  const scores = f1 === null ? '' : `, F1 ${number(f1)}, EM ${em}`;
  const measured = Object.entries(metrics).map(
    ([name, value]) => `${name} ${value === null ? '-' : Number.isInteger(value) ? value : number(value)}`,
  );
  return [
    `question: ${printableLines(episode.question)}`,
    ...(answers.length === 0 ? [] : [`accepted: ${printableLines(answers.join(' | '))}`]),
    ...episode.turns.flatMap((turn, index) => renderTurn(turn, index, tokens)),
    '',
    ending(episode),
    answers.length === 0 && episode.answer !== undefined
      ? 'not scored: no accepted answer is known'
      : `return ${number(episode.return)}${scores}`,
    ...(measured.length === 0 ? [] : [measured.join(', ')]),
  ].join('\n');
}

function ending({ end, answer }: Episode): string {
  if (end === 'truncated') return 'truncated: stopped by a limit';
  if (answer === undefined) return 'ended';
  return answer === null ? 'ended without an answer' : `answered: ${printableLines(answer)}`;
}

function renderTurn(turn: EpisodeTurn, index: number, tokens: boolean): readonly string[] {
  const count = turn.tokens.length === 1 ? '' : `, ${turn.tokens.length} tokens`;
  const cut = turn.cut ? ', cut at the limit' : '';
  const each = turn.tokens.map(
    ({ text, entropy }) => `${JSON.stringify(printableLines(text))} ${number(entropy)}`,
  );
  return [
    '',
    `-- turn ${index + 1} reads${turn.observationCut ? ' (cut at the limit)' : ''}`,
    printableLines(turn.observation.trim()),
    `-- turn ${index + 1} writes (entropy ${number(turn.entropy)} nats, log-probability ${number(turn.logProb)}${count}${cut})`,
    printableLines(turn.action.trim()),
    ...(tokens && turn.tokens.length > 1 ? [`   token entropies: ${each.join(' ')}`] : []),
  ];
}
