import { join } from 'node:path';
import { Command } from 'commander';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { configured } from '../algorithms/configured.ts';
import { type Audit, type AuditObjective, audit } from '../bench/audit/audit.ts';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS, auditRow, componentRows } from '../bench/audit/columns.ts';
import type { Estimator } from '../bench/audit/estimators/estimator.ts';
import { AUDIT_POLICIES, auditPolicy } from '../bench/audit/policies.ts';
import { blaming, isRefusal } from '../bench/catalog/blame.ts';
import type { Catalog } from '../bench/catalog/catalog.ts';
import { loadEnvironment } from '../bench/catalog/load-environment.ts';
import { isCodeReference } from '../bench/catalog/source.ts';
import type { Row } from '../bench/cell.ts';
import { formatCsv } from '../bench/csv.ts';
import { CATALOG } from '../catalog.ts';
import { makeWritable, writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { createRandom } from '../core/random.ts';
import type { AnyEnvironmentSpec } from '../envs/spec.ts';
import { type TrainablePolicy, trainable } from '../policies/policy.ts';
import type { AnyPolicySpec } from '../policies/spec.ts';
import { algorithmOptions } from './algorithm-options.ts';
import { AUDIT_TABLE_COLUMNS, auditTable } from './audit-table.ts';
import {
  addEstimatorOptions,
  checkEstimatorFlags,
  type EstimatorFlags,
  estimatorsOf,
  independentRollouts,
} from './estimator-options.ts';
import { addTableOptions, type TableFlags } from './layout.ts';
import { collect, DEFAULT_CACHE, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { stopSignals } from './stop-signals.ts';
import { print, tell } from './terminal.ts';

interface AuditFlags extends TableFlags, EstimatorFlags {
  readonly algorithm?: readonly string[];
  readonly environment?: readonly string[];
  readonly policy: string;
  readonly budget: number;
  readonly objective: string;
  readonly options?: string;
  readonly limit: number;
  readonly samples: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  creditbench audit                                       all algorithms on all diagnostic environments
  creditbench audit --environment stop-or-search --algorithm grpo --algorithm rloo
  creditbench audit --algorithm carl-lite --options '{entropy: exact}' --budget 2
  creditbench audit --algorithm ./mine.ts --json          your own (the file is run as code)
  creditbench audit --estimator 'python mine.py' --algorithm rloo    a program in any language, beside one of ours

Reading the table: 'gradient' compares the expected gradient of the whole pipeline with the exact policy
gradient; 'advantage' compares the expected advantage of trained actions with the exact one. Exact where the
number of outcomes allows it, otherwise sampled ('mc') and judged at 4 standard errors.
`;

/** `creditbench audit`: is the estimate right? Exact bias, variance and error of algorithms. */
export function auditCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('audit')
    .description('compares the expected gradient and advantages of algorithms with the exact ones')
    .option(
      '--algorithm <id or file>',
      'what to audit; a file is code that runs with your rights; may be given more than once (default: all that come with creditbench, or none beside --estimator)',
      collect,
    )
    .option(
      '--environment <id or file>',
      'where, likewise; its actions must be listed (default: all diagnostic ones)',
      collect,
    )
    .option(
      '--policy <name or file>',
      `logits of the tabular policy: ${AUDIT_POLICIES.join(', ')}; or a policy of your own that chooses from lists`,
      'default',
    )
    .option(
      '--budget <n>',
      'rollouts per question for every algorithm, 2 to 1024',
      wholeNumber('--budget', 2, 1024),
      4,
    )
    .option('--objective <name>', "plain: credit alone; own: the algorithm's own loss averages", 'plain')
    .option('--options <yaml>', "options of the algorithms, after the budget's: '{entropy: exact}'")
    .option('--limit <n>', 'most outcomes to enumerate', wholeNumber('--limit', 1, 100_000_000), 20_000)
    .option('--samples <n>', 'samples where there are more', wholeNumber('--samples', 100, 100_000_000), 4000)
    .option('--seed <n>', 'seed of those samples', wholeNumber('--seed', 0, 2 ** 53 - 1), 0)
    .option('--out <folder>', 'writes audit.csv, audit_components.csv and audit.json there')
    .option('--json', 'prints JSON instead of the table');
  return addTableOptions(
    addEstimatorOptions(command),
    AUDIT_TABLE_COLUMNS.map(({ name }) => name),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (flags: AuditFlags) => setExitCode(await runAudit(flags)));
}

async function runAudit(flags: AuditFlags): Promise<number> {
  if (flags.objective !== 'plain' && flags.objective !== 'own') {
    throw new InputError(`--objective: '${flags.objective}' is not valid; valid: plain, own`);
  }
  const objective: AuditObjective = flags.objective;
  checkEstimatorFlags(flags);
  const diagnostic = CATALOG.environments.filter(isDiagnostic);
  const names = flags.environment ?? diagnostic.map(({ id }) => id);
  // Beside estimators only what is named.
  const chosenNames = algorithmNames(flags.algorithm ?? (flags.estimator === undefined ? ['all'] : []));
  const catalog = await catalogWith([
    { kind: 'environment', option: '--environment', names },
    { kind: 'algorithm', option: '--algorithm', names: chosenNames },
    { kind: 'algorithm', option: '--plan', names: flags.plan === undefined ? [] : [flags.plan] },
    { kind: 'policy', option: '--policy', names: [flags.policy].filter(isCodeReference) },
  ]);
  const request = { names, chosenNames, objective };
  if (flags.estimator === undefined) {
    await blaming(catalog, () => auditAll(flags, catalog, request));
    return 0;
  }
  const estimators = estimatorsOf(flags.estimator, flags.estimatorTimeout);
  const { signal, received, release } = stopSignals();
  try {
    await blaming(catalog, () => auditAll(flags, catalog, { ...request, estimators, signal }));
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    tell('stopped: nothing was written\n');
    return received() === 'SIGTERM' ? 143 : 130;
  } finally {
    await Promise.all(estimators.map((estimator) => estimator.close()));
    release();
  }
}

/** What is audited, by name. */
interface Audited {
  readonly names: readonly string[];
  readonly chosenNames: readonly string[];
  readonly objective: AuditObjective;
  readonly estimators?: readonly Estimator[];
  /** Ends the audit of estimators. */
  readonly signal?: AbortSignal;
}

/** A row of the table: an algorithm, or an estimator on its rollouts. */
interface Entry {
  readonly algorithm: AnyAlgorithm;
  readonly given: object;
  readonly estimator?: Estimator;
  /** What was chosen, for tables, if that is not `given`. */
  readonly shown?: object;
}

async function auditAll(
  flags: AuditFlags,
  catalog: Catalog,
  { names, chosenNames, objective, estimators = [], signal }: Audited,
): Promise<void> {
  const environments = names.map(catalog.environment);
  const diagnostic = CATALOG.environments.filter(isDiagnostic);
  for (const spec of environments) {
    if (catalog.environments.includes(spec) && !isDiagnostic(spec)) {
      throw new InputError(
        `--environment: '${spec.id}' is too large for the audit; valid: ${diagnostic.map(({ id }) => id).join(', ')}, or a small one of your own`,
      );
    }
  }
  const withOptions = (algorithm: AnyAlgorithm): Entry => {
    const { given } = algorithmOptions(algorithm, flags.options, algorithm.budget(flags.budget));
    return { algorithm, given };
  };
  const named = chosenNames.map((name) => withOptions(catalog.algorithm(name)));
  const sampler =
    flags.plan === undefined ? independentRollouts(flags.budget) : withOptions(catalog.algorithm(flags.plan));
  const shown =
    flags.plan === undefined ? { rollouts: flags.budget } : { plan: flags.plan, ...sampler.given };
  const chosen = [...estimators.map((estimator): Entry => ({ ...sampler, estimator, shown })), ...named];
  if (flags.out !== undefined) await makeWritable('--out', flags.out);

  const audits: (Audit & { readonly given: object })[] = [];
  for (const spec of environments) {
    const options = spec.schema.parse({});
    const { environment, tasks } = await loadEnvironment(spec, options, { cacheDirectory: DEFAULT_CACHE });
    const task = tasks.train[0];
    if (task === undefined) {
      throw new InputError(
        `--environment: ${environment.id} has no train question to audit on; valid: one at least`,
      );
    }
    const hasGold = environment.answer !== undefined && task.answers.length > 0;
    for (const { algorithm, given, estimator, shown = given } of chosen) {
      if (!hasGold && needsGold(algorithm, given)) {
        const problem = `${algorithm.id} measures how likely the accepted answer is, and ${environment.id} has none`;
        if (estimator !== undefined || isNamed(algorithm, flags, catalog)) {
          throw new InputError(
            `${estimator === undefined ? '--algorithm' : '--plan'}: ${problem}; valid: another algorithm, or an environment with answers`,
          );
        }
        tell(`note: left out: ${problem}\n`);
        continue;
      }
      const policy = isCodeReference(flags.policy)
        ? await untrained(catalog.policy(flags.policy))
        : auditPolicy(flags.policy, environment.id);
      const { limit, samples, seed } = flags;
      const request = { algorithm, options: given, environment, task, policy, objective };
      const more = {
        ...(estimator === undefined ? {} : { estimator }),
        ...(signal === undefined ? {} : { signal }),
      };
      try {
        audits.push({ ...(await audit({ ...request, ...more, limit, samples, seed })), given: shown });
      } catch (error) {
        // What the engine refuses of an algorithm's answers is the algorithm's fault, not this program's.
        if (isRefusal(error)) {
          throw new InputError(`--algorithm ${algorithm.id}: ${(error as Error).message}`);
        }
        throw error;
      }
      if (process.stderr.isTTY) tell(`${environment.id} ${estimator?.id ?? algorithm.id}\n`);
    }
  }
  const json = `${printableJson(report(flags, audits))}\n`;
  if (flags.out !== undefined) {
    await writeFileAtomic(
      join(flags.out, 'audit.csv'),
      formatCsv(
        AUDIT_COLUMNS,
        audits.map((entry) => auditRow(entry, entry.given)),
      ),
    );
    const components = formatCsv(AUDIT_COMPONENT_COLUMNS, audits.flatMap(componentRows));
    await writeFileAtomic(join(flags.out, 'audit_components.csv'), components);
    await writeFileAtomic(join(flags.out, 'audit.json'), json);
  }
  const sampled = audits.some(({ method }) => method === 'monte carlo');
  const footnote = sampled ? `mc: sampled with seed ${flags.seed}, judged at 4 standard errors\n` : '';
  print(flags.json ? json : `${auditTable(audits, flags)}\n${footnote}`);
  if (flags.out !== undefined) {
    tell(`files: ${join(flags.out, 'audit.csv')}, audit_components.csv, audit.json\n`);
  }
}

const needsGold = (algorithm: AnyAlgorithm, given: object): boolean =>
  configured(algorithm, given).needs.includes('gold');

/** Whether somebody asked for this algorithm itself. */
const isNamed = (algorithm: AnyAlgorithm, flags: AuditFlags, catalog: Catalog): boolean =>
  (flags.algorithm ?? []).some((name) => name !== 'all' && catalog.algorithm(name) === algorithm);

/** A policy as it is made, with its default options and no training. */
async function untrained(spec: AnyPolicySpec): Promise<TrainablePolicy> {
  const options = spec.schema.parse({});
  const random = createRandom(0).split('audit policy');
  const assets = await spec.assets([], options);
  return trainable(await spec.create({ options, assets, backend: 'wasm', random }));
}

const isDiagnostic = (spec: AnyEnvironmentSpec): boolean => (spec.tags ?? []).includes('diagnostic');

/** The JSON of `--json`: settings, and per audit the names of AUDIT_COLUMNS plus its components. */
function report(flags: AuditFlags, audits: readonly (Audit & { readonly given: object })[]) {
  const { policy, budget, objective, limit, samples, seed } = flags;
  return {
    settings: { policy, budget, objective, options: flags.options ?? null, limit, samples, seed },
    audits: audits.map((entry) => ({
      ...auditRow(entry, entry.given),
      components: componentRows(entry).map(({ environment: _, algorithm: __, ...rest }): Row => rest),
    })),
  };
}
