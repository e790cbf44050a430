import { join } from 'node:path';
import { Command } from 'commander';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { configured } from '../algorithms/configured.ts';
import { type Audit, type AuditObjective, audit } from '../bench/audit/audit.ts';
import { AUDIT_COLUMNS, AUDIT_COMPONENT_COLUMNS, auditRow, componentRows } from '../bench/audit/columns.ts';
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
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { collect, DEFAULT_CACHE, wholeNumber } from './options.ts';
import { algorithmNames, catalogWith } from './own-code.ts';
import { renderTable, type TableColumn } from './table.ts';
import { print, tell } from './terminal.ts';

interface AuditFlags extends TableFlags {
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

Reading the table: 'gradient' compares the expected gradient of the whole pipeline with the exact policy
gradient; 'advantage' compares the expected advantage of trained actions with the exact one. Exact where the
number of outcomes allows it, otherwise sampled ('mc') and judged at 4 standard errors.
`;

const COLUMNS: readonly TableColumn[] = [
  { name: 'environment', rank: 0 },
  { name: 'algorithm', rank: 0 },
  { name: 'method', rank: 4 },
  { name: 'gradient', rank: 0 },
  { name: 'ratios', number: true, rank: 2 },
  { name: 'cosine', number: true, rank: 3 },
  { name: 'advantage', rank: 5 },
  { name: 'direction', title: 'direction error', number: true, rank: 1 },
  { name: 'cost', title: 'error per token', number: true, rank: 6 },
];

/** `creditbench audit`: is the estimate right? Exact bias, variance and error of algorithms. */
export function auditCommand(): Command {
  const command = new Command('audit')
    .description('compares the expected gradient and advantages of algorithms with the exact ones')
    .option(
      '--algorithm <id or file>',
      'what to audit; a file is code that runs with your rights; may be given more than once (default: all that come with creditbench)',
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
    command,
    COLUMNS.map(({ name }) => name),
  )
    .addHelpText('after', EXAMPLES)
    .action(runAudit);
}

async function runAudit(flags: AuditFlags): Promise<void> {
  if (flags.objective !== 'plain' && flags.objective !== 'own') {
    throw new InputError(`--objective: '${flags.objective}' is not valid; valid: plain, own`);
  }
  const objective: AuditObjective = flags.objective;
  const diagnostic = CATALOG.environments.filter(isDiagnostic);
  const names = flags.environment ?? diagnostic.map(({ id }) => id);
  const chosenNames = algorithmNames(flags.algorithm);
  const catalog = await catalogWith([
    { kind: 'environment', option: '--environment', names },
    { kind: 'algorithm', option: '--algorithm', names: chosenNames },
    { kind: 'policy', option: '--policy', names: [flags.policy].filter(isCodeReference) },
  ]);
  const request = { names, chosenNames, objective };
  await blaming(catalog, () => auditAll(flags, catalog, request));
}

/** What is audited, by name. */
interface Audited {
  readonly names: readonly string[];
  readonly chosenNames: readonly string[];
  readonly objective: AuditObjective;
}

async function auditAll(
  flags: AuditFlags,
  catalog: Catalog,
  { names, chosenNames, objective }: Audited,
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
  const chosen = chosenNames.map((name) => {
    const algorithm = catalog.algorithm(name);
    return { algorithm, ...algorithmOptions(algorithm, flags.options, algorithm.budget(flags.budget)) };
  });
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
    for (const { algorithm, given } of chosen) {
      if (!hasGold && needsGold(algorithm, given)) {
        const problem = `${algorithm.id} measures how likely the accepted answer is, and ${environment.id} has none`;
        if (isNamed(algorithm, flags, catalog)) {
          throw new InputError(
            `--algorithm: ${problem}; valid: another algorithm, or an environment with answers`,
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
      try {
        audits.push({ ...(await audit({ ...request, limit, samples, seed })), given });
      } catch (error) {
        // What the engine refuses of an algorithm's answers is the algorithm's fault, not this program's.
        if (isRefusal(error)) {
          throw new InputError(`--algorithm ${algorithm.id}: ${(error as Error).message}`);
        }
        throw error;
      }
      if (process.stderr.isTTY) tell(`${environment.id} ${algorithm.id}\n`);
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
  print(flags.json ? json : `${table(audits, flags)}\n${footnote}`);
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

/** `{initial: 1, forks: 3}` as 'initial 1, forks 3'. */
function settings(given: object): string {
  return Object.entries(given)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

function table(audits: readonly (Audit & { readonly given: object })[], flags: TableFlags): string {
  const number = (value: number, digits = 3): string =>
    Number.isFinite(value) ? value.toFixed(digits) : '-';
  const verdict = ({ gradient }: Audit, which: Audit['gradient'] = gradient): string => {
    if (which.kind === 'scaled') return `scaled x${number(which.factor)}`;
    if (which.kind !== 'biased') return which.kind;
    const flips = which.flipped.length > 0 ? `, ${which.flipped.length} flipped` : '';
    return `BIASED${flips}\n${which.worst?.name} off ${number(which.worst?.error ?? Number.NaN, 2)}`;
  };
  const ratios = ({ gradient }: Audit): string => {
    const values = gradient.components.flatMap(({ exact, expected }) =>
      Math.abs(exact) > 1e-12 ? [expected / exact] : [],
    );
    return values.length === 0
      ? '-'
      : `${number(Math.min(...values), 2)} to ${number(Math.max(...values), 2)}`;
  };
  return renderTable(
    COLUMNS,
    audits.map((entry) => [
      entry.environment,
      `${entry.algorithm}\n${settings(entry.given)}`,
      `${entry.method === 'exact' ? 'exact' : 'mc'} ${entry.outcomes}`,
      verdict(entry),
      ratios(entry),
      number(entry.cosine, 4),
      verdict(entry, entry.advantage),
      number(entry.directionError),
      number(entry.errorPerToken, 1),
    ]),
    layoutOf(flags),
  );
}
