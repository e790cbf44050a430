import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { declarationOf } from '../bench/declaration.ts';
import { evaluate } from '../bench/rollout/evaluate.ts';
import { writeCheckpoint } from '../bench/training/checkpoint.ts';
import { samplingOf } from '../bench/training/train.ts';
import { trainableStart } from '../bench/training/warm-start.ts';
import { packageInfo } from '../core/package.ts';
import { printableJson } from '../core/printable.ts';
import { createRandom } from '../core/random.ts';
import { scoreLabel } from '../reports/score.ts';
import { collect, DEFAULT_CACHE } from './options.ts';
import { type StartFlags, type StartingPoint, startingPoint } from './starting-point.ts';
import { print, tell } from './terminal.ts';

interface WarmStartFlags extends StartFlags {
  readonly json?: boolean;
  readonly out: string;
  readonly cache: string;
}

const EXAMPLES = `
Examples:
  creditbench warm-start search --suite search --out checkpoints/search-facts
  creditbench warm-start search --suite search --set warmStart.noise=0.5 --out my-start

Trains the starting weights by the suite's warmStart (steps, episodes, noise, …), also where the suite names a
checkpoint; the same weights made before are taken from the cache. Use the folder as warmStart.checkpoint.
`;

/** `creditbench warm-start`: trains a policy on demonstrations and keeps it as a checkpoint. */
export function warmStartCommand(): Command {
  return new Command('warm-start')
    .description("trains a suite's policy on demonstrations and writes a checkpoint")
    .argument('<environment>', 'environment (see: creditbench list environments)')
    .requiredOption('--out <folder>', 'where the checkpoint goes')
    .option(
      '--suite <suite>',
      'suite that says which policy and options (default: quick, for search the suite search)',
    )
    .option('--set <key=value>', 'overrides a setting of the suite; may be given more than once', collect)
    .option('--backend <name>', 'tensor backend (see: creditbench doctor; default: wasm)')
    .option('--cache <folder>', 'where data and starting weights are kept', DEFAULT_CACHE)
    .option('--json', 'prints what the checkpoint scores as JSON')
    .addHelpText('after', EXAMPLES)
    .action(makeCheckpoint);
}

async function makeCheckpoint(id: string, flags: WarmStartFlags): Promise<void> {
  const start = await startingPoint(id, flags);
  await blaming(start.catalog, () => makeCheckpointOf(start, flags));
}

async function makeCheckpointOf(
  { environment, catalog, backend }: StartingPoint,
  flags: WarmStartFlags,
): Promise<void> {
  const { checkpoint: _, ...warmStart } = environment.warmStart;
  let tenth = -1;
  const context = {
    cacheDirectory: flags.cache,
    onNotice: (message: string) => tell(`note: ${message}\n`),
    onProgress: ({ stage, fraction }: { stage: string; fraction: number }) => {
      if (Math.floor(fraction * 10) === tenth) return;
      tenth = Math.floor(fraction * 10);
      tell(`${stage}\n`);
    },
  };
  const spec = catalog.environment(nameOfChoice(environment));
  const loaded = await loadEnvironment(spec, environment.options, context);
  const start = { ...environment, environment, warmStart, backend };
  const { policy, assets } = await trainableStart(start, catalog, loaded, context);
  try {
    const { training } = environment;
    const scores = await evaluate({
      loaded,
      policy,
      tasks: loaded.tasks.dev.slice(0, training.evaluationQuestions),
      episodes: training.evaluationDecoding === 'greedy' ? 1 : training.evaluationEpisodes,
      decoding: training.evaluationDecoding,
      sampling: samplingOf(training, policy),
      random: createRandom(0).split('evaluation'),
    });
    await writeCheckpoint(
      flags.out,
      catalog.policy(nameOfChoice(environment.policy)),
      environment.policy,
      { assets, parameters: policy.parameters() },
      {
        creditbench: packageInfo().version,
        environment: { id: environment.id, options: environment.options, fingerprint: loaded.fingerprint },
        warmStart,
        backend,
        devF1: scores.f1,
        devEm: scores.em,
      },
    );
    const { name } = declarationOf(loaded.environment).score;
    const { evaluationDecoding: decoding, evaluationEpisodes: episodes } = training;
    if (flags.json) {
      print(
        `${printableJson({ checkpoint: flags.out, score: name, value: scores.score, devF1: scores.f1, devEm: scores.em, decoding, episodes })}\n`,
      );
      return;
    }
    print(
      `${flags.out}: ${scoreLabel({ name })} ${scores.score?.toFixed(3) ?? 'none'}${scores.em === null ? '' : `, EM ${scores.em.toFixed(3)}`} (${decoding}, ${episodes} episodes per question)\n`,
    );
  } finally {
    policy.dispose();
  }
}
