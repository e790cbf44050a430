import { dirname, extname } from 'node:path';
import { configured } from '../algorithms/configured.ts';
import { blaming } from '../bench/catalog/blame.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { samplingOf } from '../bench/training/train.ts';
import { startingPolicy } from '../bench/training/warm-start.ts';
import { exportedTrees } from '../bench/trajectories/export.ts';
import { createTextFile } from '../bench/trajectories/files/text-file.ts';
import { makeWritable } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson, printableJsonLine } from '../core/printable.ts';
import { createRandom } from '../core/random.ts';
import { isAbout, settingsOf } from './algorithm-settings.ts';
import { wholeNumber } from './options.ts';
import { catalogWith } from './own-code.ts';
import { type StartFlags, startingPoint } from './starting-point.ts';
import { stopSignals } from './stop-signals.ts';
import { print, retell, tell } from './terminal.ts';

/** Options of `rollout` with `--algorithm`. */
export interface ExportFlags extends StartFlags {
  readonly algorithm?: string;
  readonly questions?: number;
  readonly rollouts?: number;
  readonly out?: string;
  readonly split: string;
  readonly seed: number;
  readonly json?: boolean;
  readonly cache: string;
}

/** As commander wants them. */
export const EXPORT_OPTIONS = [
  [
    '--algorithm <id>',
    'writes the rollouts of a whole training step, as this method plans them, to --out; a file is code that runs with your rights',
    undefined,
  ],
  [
    '--questions <n>',
    'with --algorithm: the first questions of the split (default: those of one training step)',
    wholeNumber('--questions', 1, 1_000_000),
  ],
  [
    '--rollouts <n>',
    'with --algorithm: rollouts per question (default: 16)',
    wholeNumber('--rollouts', 2, 4096),
  ],
  ['--out <file>', 'with --algorithm: a file ending in .jsonl', undefined],
] as const;

/** The rollouts of the starting policy, as a method plans them, in a file that `creditbench credit` reads. */
export async function exportRollouts(name: string, flags: ExportFlags): Promise<number> {
  const { out, algorithm: id } = flags;
  if (id === undefined) {
    throw new InputError(
      '--out, --questions, --rollouts: not valid without --algorithm; valid: --algorithm grpo',
    );
  }
  if (out === undefined || extname(out) !== '.jsonl') {
    const given = out === undefined ? 'missing' : `'${out}' is not valid`;
    throw new InputError(`--out: ${given}; valid: a file ending in .jsonl`);
  }
  const catalog = await catalogWith([{ kind: 'algorithm', option: '--algorithm', names: [id] }]);
  const algorithm = catalog.algorithm(id);
  const isOwn = (setting: string): boolean => isAbout(setting, [algorithm.id]);
  const set = flags.set ?? [];
  const options = settingsOf([algorithm], set.filter(isOwn), (one) => one.budget(flags.rollouts ?? 16));
  const plan = configured(algorithm, options.get(algorithm.id));
  const start = await startingPoint(name, { ...flags, set: set.filter((setting) => !isOwn(setting)) });
  const { environment, backend } = start;
  await makeWritable('--out', dirname(out));
  const stopping = stopSignals();
  const file = createTextFile(out);
  let trajectories = 0;
  try {
    const work = async (): Promise<void> => {
      const context = {
        cacheDirectory: flags.cache,
        onNotice: (message: string) => tell(`note: ${message}\n`),
      };
      const loaded = await loadEnvironment(
        start.catalog.environment(nameOfChoice(environment)),
        environment.options,
        context,
      );
      const batch = environment.training.questions;
      const tasks = questionsOf(loaded.tasks, flags, batch);
      const { policy } = await startingPolicy(
        { ...environment, environment, backend },
        start.catalog,
        loaded,
        {
          ...context,
          signal: stopping.signal,
        },
      );
      try {
        const sampling = samplingOf(environment.training, policy);
        const random = createRandom(flags.seed).split('rollout command', 'export');
        const request = { loaded, policy, algorithm: plan, tasks, sampling, batch, random };
        let questions = 0;
        for await (const exported of exportedTrees({ ...request, signal: stopping.signal })) {
          for (const one of exported.trajectories) await file.write(`${printableJsonLine(one)}\n`);
          trajectories += exported.trajectories.length;
          questions += exported.trees.length;
          if (process.stderr.isTTY) retell(`${questions} of ${tasks.length} questions`);
        }
      } finally {
        policy.dispose();
      }
    };
    await blaming(start.catalog, () => blaming(catalog, work));
    await file.end(out);
  } catch (error) {
    await file.discard();
    if (!stopping.signal.aborted) throw error;
    tell('stopped: nothing was written\n');
    return 130;
  } finally {
    stopping.release();
    if (process.stderr.isTTY) retell('');
  }
  const found = { file: out, algorithm: algorithm.id, trajectories };
  print(flags.json ? `${printableJson(found)}\n` : `${out}: ${trajectories} rollouts (docs/credit.md)\n`);
  return 0;
}

function questionsOf<Task>(
  tasks: Readonly<Record<'train' | 'dev' | 'test', readonly Task[]>>,
  { split, questions }: ExportFlags,
  batch: number,
): readonly Task[] {
  if (split !== 'train' && split !== 'dev' && split !== 'test') {
    throw new InputError(`--split: '${split}' is not valid; valid: train, dev, test`);
  }
  const all = tasks[split];
  if (questions !== undefined && questions > all.length) {
    throw new InputError(
      `--questions: ${questions} is not valid; valid: 1 to ${all.length}, those of ${split}`,
    );
  }
  return all.slice(0, questions ?? batch);
}
