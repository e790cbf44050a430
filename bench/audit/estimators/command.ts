import { InputError } from '../../../core/errors.ts';
import type { Trajectory } from '../../trajectories/trajectory.ts';
import { advantagesProblem, type Estimator, type EstimatorAdvantages, shown } from './estimator.ts';
import { type LineProcess, startLines } from './line-process.ts';

/**
 * How a command is asked.
 * @experimental
 */
export interface CommandOptions {
  /** Default: the command. */
  readonly id?: string;
  /** How messages begin. Default: `estimator '<id>'`. */
  readonly source?: string;
  /** Seconds to wait for the next answer. Default 120. */
  readonly timeout?: number;
}

/**
 * An estimator that is a program.
 * @experimental
 */
export interface CommandEstimator extends Estimator {
  advantages(
    batches: readonly (readonly Trajectory[])[],
    signal?: AbortSignal,
  ): Promise<readonly EstimatorAdvantages[]>;
  /** Ends the program: closes what it reads, and kills it if that is not enough. */
  close(): Promise<void>;
}

const VALID = 'one line {"batch": n, "advantages": [...]} per batch, and nothing else on stdout';
/** Answers that are remembered. */
const REMEMBERED = 10_000;

/**
 * An estimator that is a command of the shell, in any language: a line of JSON per batch on its stdin, a line of JSON per
 * batch on its stdout (docs/estimators.md). It is started once, when it is first asked, gets all batches of a call at once, and
 * no batch twice.
 * @experimental
 */
export function commandEstimator(command: string, options: CommandOptions = {}): CommandEstimator {
  const { id = command, source = `estimator '${id}'`, timeout = 120 } = options;
  const fail = (message: string): InputError => new InputError(`${source}: ${message}`);
  const known = new Map<string, EstimatorAdvantages>();
  let running: LineProcess | undefined;
  let asked = 0;

  const ask = async (
    texts: readonly string[],
    batches: ReadonlyMap<string, readonly Trajectory[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    running ??= startLines(command);
    const first = asked;
    asked += texts.length;
    running.write(texts.map((text, at) => `{"batch":${first + at},"trajectories":${text}}\n`));
    for (const [at, text] of texts.entries()) {
      const batch = first + at;
      const came = await running.line(timeout, signal);
      if ('problem' in came) {
        const said = came.stderr === '' ? '' : `; its stderr ends with:\n${came.stderr}`;
        throw fail(`${came.problem} and batch ${batch} has no answer; valid: ${VALID}${said}`);
      }
      known.set(text, answerOf(came.line, batch, batches.get(text)!, fail));
    }
  };

  return {
    id,
    async advantages(batches, signal) {
      const texts = batches.map((batch) => JSON.stringify(batch));
      if (known.size > REMEMBERED) known.clear();
      const fresh = new Map(texts.flatMap((text, at) => (known.has(text) ? [] : [[text, batches[at]!]])));
      if (fresh.size > 0) await ask([...fresh.keys()], fresh, signal);
      return texts.map((text) => known.get(text)!);
    },
    async close() {
      await running?.close();
      running = undefined;
    },
  };
}

function answerOf(
  line: string,
  batch: number,
  trajectories: readonly Trajectory[],
  fail: (message: string) => InputError,
): EstimatorAdvantages {
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    const reason = /\b(NaN|-?Infinity)\b/.exec(line)?.[1];
    throw fail(
      reason !== undefined && line.trimStart().startsWith('{')
        ? `the answer to batch ${batch} has ${reason}: ${shown(line)}; valid: finite numbers`
        : `stdout has a line that is no JSON where the answer to batch ${batch} should be: ${shown(line)}; valid: ${VALID} (other output belongs on stderr)`,
    );
  }
  const named =
    typeof answer === 'object' && answer !== null ? (answer as { batch?: unknown }).batch : undefined;
  if (named !== batch) {
    throw fail(
      `stdout has ${shown(answer)} where the answer to batch ${batch} should be; valid: ${VALID}, in their order`,
    );
  }
  const { advantages } = answer as { advantages?: unknown };
  const problem = advantagesProblem(advantages, trajectories);
  if (problem !== undefined) throw fail(`the answer to batch ${batch}: ${problem}`);
  return advantages as EstimatorAdvantages;
}
