import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ALGORITHMS } from '../../algorithms/registry.ts';
import type { Row } from '../../bench/cell.ts';
import { CELL_COLUMNS, METRIC_COLUMNS, TIMING_COLUMNS } from '../../bench/columns.ts';
import { formatCsv } from '../../bench/csv.ts';
import { createRandom, type Random } from '../../core/random.ts';
import type { ReportCell, Sources } from '../sources.ts';

interface MadeUp {
  /** Names; ids are the same. */
  readonly algorithms: readonly string[];
  readonly environments?: readonly string[];
  readonly seeds?: number;
  readonly iterations?: number;
  readonly evaluateEvery?: number;
  /** Changes or replaces a cell. */
  readonly change?: (cell: ReportCell, index: number) => ReportCell;
}

/** A run with made-up metrics: curves that rise, entropies that fall, costs that differ by algorithm. */
export function madeUpSources(request: MadeUp): Sources {
  const { algorithms, environments = ['walk/v1'], seeds = 3, change = (cell) => cell } = request;
  const random = createRandom(7);
  const cells = environments.flatMap((environment) =>
    algorithms.flatMap((algorithm, place) =>
      Array.from({ length: seeds }, (_, seed): ReportCell => {
        const own = random.split(environment, algorithm, seed);
        return {
          environment,
          algorithm,
          entry: algorithm,
          algorithmId: algorithm,
          seed,
          status: 'finished',
          fingerprint: `data of ${environment}`,
          score: { name: 'f1', range: [0, 1] },
          options: {},
          run: 0,
          policy: 'small',
          cell: `${environment}/${algorithm}/${seed}`
            .split('')
            .reduce((hash, letter) => (hash * 31n + BigInt(letter.codePointAt(0)!)) % 2n ** 64n, 7n)
            .toString(16)
            .padStart(16, '0'),
          error: undefined,
          ...madeUpCourse(request, place, own),
        };
      }),
    ),
  );
  return {
    runs: [
      {
        folder: 'made-up',
        version: '0.0.0',
        suite: {
          name: 'made-up',
          environments: environments.map((id) => ({ id, options: {}, policy: { id: 'small' } })),
          algorithms: algorithms.map((name) => ({
            name,
            id: name,
            options: {},
            description: ALGORITHMS.find(({ id }) => id === name)?.description,
          })),
          backend: 'wasm',
        },
      },
    ],
    cells: cells.map(change),
    audits: [],
    criticality: [],
  };
}

function madeUpCourse(
  { iterations = 4, evaluateEvery = 2 }: MadeUp,
  place: number,
  random: Random,
): Pick<ReportCell, 'metrics' | 'timings'> {
  const noise = () => (random.integer(1000) - 500) / 10_000;
  const rows = Array.from({ length: iterations + 1 }, (_, iteration): Row => {
    const isEvaluated = iteration % evaluateEvery === 0 || iteration === iterations;
    const dev = isEvaluated
      ? { dev_f1: 0.3 + (0.2 * iteration) / iterations + noise(), dev_em: 0.25, dev_actions: 3.5 }
      : {};
    if (iteration === 0) return { iteration, ...dev };
    return {
      iteration,
      ...dev,
      train_f1: 0.3 + noise(),
      questions: 8,
      trajectories: 32,
      rollout_actions: 400 + 10 * place + random.integer(20),
      generated_tokens: 4000 + random.integer(200),
      environment_calls: 400 + 10 * place,
      update_actions: Math.round(400 / (1 + (place % 4))),
      action_entropy: 1.5 - iteration / (2 * iterations) + noise(),
      zero_signal_questions: 1,
      truncated: 0,
      loss: noise(),
    };
  });
  const timings = rows.slice(1).map(({ iteration }) => ({
    iteration: iteration!,
    rollout_seconds: 1.5,
    credit_seconds: 0.25,
    update_seconds: 1 + place / 10,
    evaluation_seconds: 3,
  }));
  return { metrics: rows, timings };
}

/** Writes a run as `creditbench run` would, for tests that read it back. */
export async function writeMadeUp(folder: string, { runs, cells }: Sources): Promise<void> {
  await mkdir(join(folder, 'cells'), { recursive: true });
  const named = (cell: ReportCell, rows: readonly Row[]): readonly Row[] =>
    rows.map((row) => ({
      environment: cell.environment,
      policy: cell.policy,
      algorithm: cell.algorithm,
      seed: cell.seed,
      cell: cell.cell,
      ...row,
    }));
  const files = {
    'metrics.csv': formatCsv(
      [...CELL_COLUMNS, ...METRIC_COLUMNS],
      cells.flatMap((cell) => named(cell, cell.metrics)),
    ),
    'timings.csv': formatCsv(
      [...CELL_COLUMNS, ...TIMING_COLUMNS],
      cells.flatMap((cell) => named(cell, cell.timings)),
    ),
    'suite.json': JSON.stringify({
      creditbench: runs[0]!.version,
      suite: runs[0]!.suite,
      declarations: Object.fromEntries(
        cells.flatMap(({ environment, score }) =>
          score === undefined ? [] : [[environment, { score, metrics: [] }]],
        ),
      ),
      cells: cells.map(
        ({ metrics: _, timings: __, error: ___, run: ____, entry: _____, score: ______, ...cell }) => cell,
      ),
    }),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  for (const { cell, status, error } of cells) {
    if (status !== 'failed' || error === undefined) continue;
    await writeFile(
      join(folder, 'cells', `${cell}.failed.json`),
      JSON.stringify({ error: { message: error } }),
    );
  }
}
