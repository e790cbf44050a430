import { mean, variance } from '../../core/statistics.ts';
import { clusteredError } from '../stats/clustered-error.ts';
import { pearson } from '../stats/correlation.ts';
import type { TrueAdvantage } from './truth.ts';

/**
 * How a sampled truth agrees with the exact one, over all different actions that were looked at.
 * @experimental
 */
export interface Agreement {
  /** Rollouts per state and per action. */
  readonly rollouts: number;
  /** Different actions of states. */
  readonly advantages: number;
  readonly questions: number;
  /** Mean of sampled minus exact: 0 but for chance. */
  readonly bias: number;
  /** Its standard error, the question being the unit; null for one question. */
  readonly biasError: number | null;
  /** Share of the 95 % intervals that hold the exact advantage, and its standard error likewise. */
  readonly covered: number;
  readonly coveredError: number | null;
  readonly correlation: number | null;
  /** Mean squared error of the sampled advantages, and what they say of themselves. */
  readonly squaredError: number;
  readonly statedSquaredError: number;
  /** Variance of the exact advantages. */
  readonly variance: number;
}

/** Collects advantages of both kinds. */
export class AgreementCounts {
  private readonly pairs = new Map<
    string,
    readonly [question: string, exact: number, sampled: TrueAdvantage]
  >();

  add(question: string, exact: readonly TrueAdvantage[], sampled: readonly TrueAdvantage[]): void {
    for (const [index, one] of sampled.entries()) {
      this.pairs.set(`${question} ${one.choice}`, [question, exact[index]!.value, one]);
    }
  }

  summary(rollouts: number): Agreement {
    const pairs = [...this.pairs.values()];
    const questions = pairs.map(([question]) => question);
    const exact = pairs.map(([, value]) => value);
    const errors = pairs.map(([, value, sampled]) => sampled.value - value);
    // An interval that ends at the advantage holds it, whatever the last bits say.
    const covered = pairs.map(([, value, { low, high }]) =>
      Number(value >= low - 1e-12 && value <= high + 1e-12),
    );
    return {
      rollouts,
      advantages: pairs.length,
      questions: new Set(questions).size,
      bias: mean(errors),
      biasError: clusteredError(errors, questions),
      covered: mean(covered),
      coveredError: clusteredError(covered, questions),
      correlation: pearson(
        exact,
        pairs.map(([, , sampled]) => sampled.value),
      ),
      squaredError: mean(errors.map((error) => error ** 2)),
      statedSquaredError: mean(pairs.map(([, , { choiceNoise, stateNoise }]) => choiceNoise + stateNoise)),
      variance: pairs.length < 2 ? 0 : variance(exact),
    };
  }
}
