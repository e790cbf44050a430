import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { blaming } from '../bench/catalog/blame.ts';
import { nameOfChoice } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import type { Choice } from '../bench/cell.ts';
import {
  CHECKPOINTS,
  checkpointFolder,
  checkpointPolicy,
  checkpointRecipe,
  readCheckpoint,
} from '../bench/training/checkpoint.ts';
import { warmStartSchema } from '../bench/training/options.ts';
import { trainableStart } from '../bench/training/warm-start.ts';
import { CATALOG } from '../catalog.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import type { AnyPolicySpec } from '../policies/spec.ts';
import { wholeNumber } from './options.ts';
import { addStartOptions, type StartFlags, startingPoint } from './starting-point.ts';
import { print, tell } from './terminal.ts';

interface ExportFlags extends StartFlags {
  readonly out: string;
  readonly positions: number;
  readonly headSize?: number;
  readonly cache: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench export search-facts --out my-model --head-size 64
  creditbench export my-start --out my-model
  creditbench export search --suite search --out my-model

<start> is a checkpoint (one that comes with creditbench, or a folder that warm-start has made) or an environment:
then what a suite's policy starts from. Only a policy that writes text can be exported (text-transformer). Then, with heads that vLLM knows:
vllm serve my-model --dtype float32
`;

/** `creditbench export`: writes weights in the format that other programs load. */
export function exportCommand(): Command {
  const command = new Command('export')
    .description("writes a checkpoint or a suite's starting weights as a Hugging Face folder")
    .argument('<start>', 'checkpoint, or environment (see: creditbench list environments)')
    .requiredOption('--out <folder>', 'where the folder goes')
    .option(
      '--positions <n>',
      'tokens of the longest context that the model is said to be for (a published one keeps its own)',
      wholeNumber('--positions', 1, 2 ** 24),
      8192,
    )
    .option(
      '--head-size <n>',
      "widens heads with zeros, a multiple of the model's: vLLM knows no heads of 16 (64 rounds nothing there)",
      wholeNumber('--head-size', 8, 1024),
    )
    .option('--json', 'prints what was written as JSON');
  return addStartOptions(command).addHelpText('after', EXAMPLES).action(exportStart);
}

/** A policy with its weights. */
interface Exported {
  readonly spec: AnyPolicySpec;
  readonly policy: Choice;
  readonly assets: unknown;
  readonly parameters: ArrayLike<number>;
}

async function exportStart(start: string, flags: ExportFlags): Promise<void> {
  const shipped: readonly string[] = CHECKPOINTS;
  const isCheckpoint = shipped.includes(start) || existsSync(join(checkpointFolder(start), 'config.json'));
  const { spec, policy, assets, parameters } = await (isCheckpoint
    ? ofCheckpoint(start)
    : ofSuite(start, flags));
  await makeWritable('--out', flags.out);
  const { positions, headSize } = flags;
  const files = await publishing(spec)({ options: policy.options, assets, parameters, positions, headSize });
  for (const { name, content } of files) await writeFileAtomic(join(flags.out, name), content);
  if (flags.json) {
    const names = files.map(({ name }) => name);
    print(`${printableJson({ folder: flags.out, parameters: parameters.length, files: names })}\n`);
    return;
  }
  print(`${flags.out}: ${parameters.length} parameters in float32, ${files.length} files\n`);
}

async function ofCheckpoint(start: string): Promise<Exported> {
  const { id, options } = await checkpointPolicy(start);
  const spec = CATALOG.policy(id);
  publishing(spec);
  const policy = { id, options: spec.schema.parse(options) as Choice['options'] };
  const recipe = warmStartSchema.parse({ ...checkpointRecipe(start), checkpoint: start });
  return { spec, policy, ...(await readCheckpoint(start, spec, policy, recipe)) };
}

async function ofSuite(id: string, flags: ExportFlags): Promise<Exported> {
  const { environment, catalog, backend } = await startingPoint(id, flags);
  return blaming(catalog, async () => {
    const { policy: choice } = environment;
    const spec = catalog.policy(nameOfChoice(choice));
    publishing(spec);
    const context = {
      cacheDirectory: flags.cache,
      onNotice: (message: string) => tell(`note: ${message}\n`),
    };
    const source = catalog.environment(nameOfChoice(environment));
    const loaded = await loadEnvironment(source, environment.options, context);
    const { policy, assets } = await trainableStart(
      { ...environment, environment, backend },
      catalog,
      loaded,
      context,
    );
    try {
      return { spec, policy: choice, assets, parameters: policy.parameters() };
    } finally {
      policy.dispose();
    }
  });
}

/** @throws InputError when the policy is no language model. */
function publishing(spec: AnyPolicySpec): NonNullable<AnyPolicySpec['publish']> {
  if (spec.publish === undefined) {
    throw new InputError(
      `policy ${spec.id} cannot be exported: it has no weights, or chooses from lists, and other programs' language models write tokens; valid: text-transformer`,
    );
  }
  return spec.publish;
}
