import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyAlgorithm } from '../algorithms/algorithm.ts';
import { configured } from '../algorithms/configured.ts';
import { type Audit, audit } from '../bench/audit/audit.ts';
import { largestDifferences, recorded } from '../bench/audit/estimators/agreement.ts';
import { commandEstimator } from '../bench/audit/estimators/command.ts';
import type { Estimator } from '../bench/audit/estimators/estimator.ts';
import { auditPolicy } from '../bench/audit/policies.ts';
import type { Row } from '../bench/cell.ts';
import { column } from '../bench/columns.ts';
import { formatCsv } from '../bench/csv.ts';
import { CATALOG } from '../catalog.ts';
import { writeFileAtomic } from '../core/atomic-file.ts';
import { InputError } from '../core/errors.ts';
import { packageInfo } from '../core/package.ts';

/**
 * Audits the advantage functions of verl, TRL and OpenRLHF, and ours beside them: results/reference/estimators.csv, which
 * docs/estimators.md quotes. Run as `npm run estimators -- PYTHON`, an interpreter that has them (the part `peers` of
 * scripts/servers/install.sh).
 */

/** Where the table is kept. */
export const ESTIMATORS_FILE = join(packageInfo().root, 'results', 'reference', 'estimators.csv');
const DIAGNOSTIC = ['stop-or-search/v1', 'random-tree/v1', 'noisy-tool/v1', 'key-door/v1'] as const;
const SCRIPT = join(packageInfo().root, 'scripts', 'peers', 'estimator.py');
/** Rollouts per question. */
const ROLLOUTS = 4;
/** Advantages that differ by less are the same. */
const SAME = 1e-6;

/** Ours that peers are compared with, and their options besides the number of rollouts. */
const OURS: readonly (readonly [id: string, options?: object])[] = [
  ['reinforce'],
  ['rloo'],
  ['dr-grpo'],
  ['grpo'],
  ['grpo', { std: 'population' }],
  ['grpo', { epsilon: 1e-4 }],
  ['grpo', { epsilon: 1e-9 }],
  ['reinforce-pp'],
  ['reinforce-pp-baseline'],
  ['ppo'],
];

export const ESTIMATOR_COLUMNS = [
  column('estimator', 'name', 'package:function, or an algorithm of ours'),
  column('version', 'name', 'version of the package; empty for ours'),
  column('environment', 'id', 'environment and its version'),
  column('method', 'name', 'exact: every outcome enumerated; monte carlo: sampled'),
  column('gradient_verdict', 'name', 'as in audit.csv'),
  column('gradient_factor', 'ratio', 'as in audit.csv'),
  column('gradient_worst_error', 'ratio', 'as in audit.csv: the relative bias of the worst component'),
  column('gradient_flipped', 'count', 'as in audit.csv'),
  column('direction_error', '0..1', 'as in audit.csv'),
  column('error_per_token', 'tokens', 'as in audit.csv'),
  column('same_as', 'name', `algorithms of ours whose advantages are the same to ${SAME}, in all outcomes`),
  column('closest', 'name', 'the algorithm of ours with the smallest largest difference'),
  column('largest_difference', 'advantage', 'that difference: 0 to rounding if it is the same'),
] as const;

/** What the packages of a Python interpreter have. */
export function peersOf(python: string): {
  readonly versions: Readonly<Record<string, string>>;
  readonly estimators: readonly string[];
} {
  return JSON.parse(execFileSync(python, [SCRIPT, '--list'], { encoding: 'utf8' }));
}

const nameOf = (id: string, options: object = {}): string =>
  [id, ...Object.entries(options).map(([name, value]) => `${name} ${value}`)].join(' ');

/** What GAE is given comes with the plan of a method that has a critic. */
const plan = (name: string): AnyAlgorithm => CATALOG.algorithm(name.endsWith(':gae') ? 'ppo' : 'rloo');

async function problem(environmentId: string) {
  const spec = CATALOG.environment(environmentId);
  const { environment, tasks } = await spec.load(spec.schema.parse({}), { cacheDirectory: '.creditbench' });
  return { environment, task: tasks.train[0]!, policy: auditPolicy('default', environment.id) };
}

const settings = { limit: 20_000, samples: 4000 };

/** The rows of an estimator of scripts/peers/estimator.py, without environments of which it cannot say anything. */
export async function peerRows(
  python: string,
  name: string,
  version: string,
  environments: readonly string[],
): Promise<readonly Row[]> {
  const command = commandEstimator(`${JSON.stringify(python)} ${JSON.stringify(SCRIPT)} ${name}`, {
    id: name,
    timeout: 600,
  });
  const rows: Row[] = [];
  try {
    for (const environment of environments) {
      const row = await peerRow(command, version, environment);
      if (row !== undefined) rows.push(row);
    }
  } finally {
    await command.close();
  }
  return rows;
}

async function peerRow(command: Estimator, version: string, environmentId: string): Promise<Row | undefined> {
  const { estimator, asked } = recorded(command);
  const algorithm = plan(command.id);
  const request = { ...(await problem(environmentId)), algorithm, options: algorithm.budget(ROLLOUTS) };
  let found: Audit;
  try {
    found = await audit({ ...request, ...settings, estimator });
  } catch (error) {
    // It needs what the rollouts do not have.
    if (error instanceof InputError && error.message.includes('sum of squared probabilities'))
      return undefined;
    throw error;
  }
  const ours = OURS.map(([id, options]) => {
    const one = CATALOG.algorithm(id);
    return configured(one, { ...one.budget(ROLLOUTS), ...options });
  });
  const differences = largestDifferences(asked, ours)
    .flatMap((difference, at) =>
      difference === undefined ? [] : [{ name: nameOf(...OURS[at]!), difference }],
    )
    .sort((a, b) => a.difference - b.difference);
  const [closest] = differences;
  return {
    ...rowOf(found, version),
    same_as: differences
      .filter(({ difference }) => difference <= SAME)
      .map((one) => one.name)
      .join('; '),
    closest: closest!.name,
    largest_difference: Number.isFinite(closest!.difference) ? closest!.difference : null,
  };
}

/** The row of an algorithm of ours. */
async function ownRow(id: string, environmentId: string): Promise<Row> {
  const algorithm = CATALOG.algorithm(id);
  const options = algorithm.budget(ROLLOUTS);
  return rowOf(await audit({ ...(await problem(environmentId)), algorithm, options, ...settings }), null);
}

/** Ours that have rows of their own. */
const OWN: readonly string[] = OURS.filter(([, options]) => options === undefined).map(([id]) => id);

const rowOf = (found: Audit, version: string | null): Row => ({
  estimator: found.algorithm,
  version,
  environment: found.environment,
  method: found.method,
  gradient_verdict: found.gradient.kind,
  gradient_factor: found.gradient.factor,
  gradient_worst_error: found.gradient.worst?.error ?? null,
  gradient_flipped: found.gradient.flipped.length,
  direction_error: found.directionError,
  error_per_token: found.errorPerToken,
});

async function writeTable(python: string): Promise<void> {
  const { versions, estimators } = peersOf(python);
  const rows = [];
  for (const name of estimators) {
    process.stderr.write(`${new Date().toISOString()} ${name}\n`);
    rows.push(...(await peerRows(python, name, versions[name.split(':')[0]!]!, DIAGNOSTIC)));
  }
  for (const id of OWN) for (const environment of DIAGNOSTIC) rows.push(await ownRow(id, environment));
  await writeFileAtomic(ESTIMATORS_FILE, formatCsv(ESTIMATOR_COLUMNS, rows));
  process.stdout.write(`${ESTIMATORS_FILE}\n`);
}

// A test imports what is above.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [python] = process.argv.slice(2);
  if (python === undefined) {
    process.stderr.write('usage: npm run estimators -- PYTHON\n');
    process.exitCode = 2;
  } else {
    await writeTable(python);
  }
}
