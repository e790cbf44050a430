import { averageRanks } from '../stats/rank.ts';
import type { GrownQuestion, Position } from './grow.ts';
import type { GradientSums, TrueAdvantage } from './truth.ts';

/**
 * What one question adds to the measures of a method: sums over its sampled actions, each with its weight. They add up over
 * questions, and every measure is a function of the totals.
 * @experimental
 */
export interface QuestionSums {
  /** Sampled actions. */
  readonly actions: number;
  /** Squared true advantages of all of them, unbiased. */
  readonly squares: number;
  /** The same of those whose credit is not 0. */
  readonly creditedSquares: number;

  /** Actions that are trained; of their credit c and true advantage a, the sums of c, c², a, a² and ca. */
  readonly trained: number;
  readonly c: number;
  readonly cc: number;
  readonly a: number;
  /** As estimated: the noise of a sampled truth is in it. */
  readonly aa: number;
  readonly ca: number;
  /** Expected noise in `aa`. */
  readonly noise: number;
  /** Variances of the noise in `a` and in `ca`. */
  readonly aNoise: number;
  readonly caNoise: number;

  /** The same for the ranks of c and a among all trained actions of the method. */
  readonly rankC: number;
  readonly rankCC: number;
  readonly rankA: number;
  readonly rankAA: number;
  readonly rankCA: number;

  /** Trained actions whose true advantage is surely not 0, and those with credit of the other sign; no credit counts half. */
  readonly clear: number;
  readonly wrong: number;

  /** Trained actions by position, with their credit and true advantage. */
  readonly first: number;
  readonly firstC: number;
  readonly firstA: number;
  readonly middle: number;
  readonly middleC: number;
  readonly middleA: number;
  readonly last: number;
  readonly lastC: number;
  readonly lastA: number;

  /** Of the gradients in `GradientSums`; 0 if the truth is sampled. */
  readonly ownSquares: number;
  readonly trueSquares: number;
  readonly product: number;

  readonly trees: number;
  readonly sampledTokens: number;
  readonly prefillTokens: number;
  readonly measuredTokens: number;
}

const NOTHING = {
  ...{ actions: 0, squares: 0, creditedSquares: 0 },
  ...{ trained: 0, c: 0, cc: 0, a: 0, aa: 0, ca: 0, noise: 0, aNoise: 0, caNoise: 0 },
  ...{ rankC: 0, rankCC: 0, rankA: 0, rankAA: 0, rankCA: 0, clear: 0, wrong: 0 },
  ...{ first: 0, firstC: 0, firstA: 0, middle: 0, middleC: 0, middleA: 0, last: 0, lastC: 0, lastA: 0 },
  ...{ ownSquares: 0, trueSquares: 0, product: 0 },
  ...{ trees: 0, sampledTokens: 0, prefillTokens: 0, measuredTokens: 0 },
} satisfies QuestionSums;
/** The fields of `QuestionSums`. */
export const SUM_NAMES = Object.keys(NOTHING) as (keyof QuestionSums)[];

/** The totals over some questions. */
export function totalOf(questions: readonly QuestionSums[]): QuestionSums {
  const total: { -readonly [Name in keyof QuestionSums]: number } = { ...NOTHING };
  for (const one of questions) for (const name of SUM_NAMES) total[name] += one[name];
  return total;
}

/** Where the sums of a position are. */
export const positionSums = (sums: QuestionSums, position: Position) => ({
  count: sums[position],
  credit: sums[`${position}C`],
  advantage: sums[`${position}A`],
});

/**
 * The sums of every question of one method.
 * @param truths true advantages of every question's choices, in their order.
 * @param gradients of every question, if the truth can tell.
 */
export function sumsOf(
  questions: readonly GrownQuestion[],
  truths: readonly (readonly TrueAdvantage[])[],
  gradients: readonly GradientSums[] = [],
): readonly QuestionSums[] {
  const trained = questions.flatMap(({ choices }, index) =>
    choices.flatMap((choice, place) =>
      choice.trained ? [[choice.credit, truths[index]![place]!.value]] : [],
    ),
  );
  const [rankC, rankA] = [0, 1].map((of) => averageRanks(trained.map((pair) => pair[of]!))) as [
    Float64Array,
    Float64Array,
  ];
  let place = 0;
  return questions.map((question, index) => {
    const count = question.choices.filter((choice) => choice.trained).length;
    const ranks = [rankC, rankA].map((all) => all.subarray(place, place + count));
    place += count;
    const sums = sumsOfQuestion(question, truths[index]!, ranks as [Float64Array, Float64Array]);
    return { ...sums, ...gradients[index] };
  });
}

function sumsOfQuestion(
  question: GrownQuestion,
  truth: readonly TrueAdvantage[],
  [rankC, rankA]: readonly [Float64Array, Float64Array],
): QuestionSums {
  const { trees, sampledTokens, prefillTokens, measuredTokens } = question;
  const sums = { ...NOTHING, trees, sampledTokens, prefillTokens, measuredTokens };
  const noises = new Noises();
  let rank = 0;
  for (const [index, { credit, trained, weight, position }] of question.choices.entries()) {
    const advantage = truth[index]!;
    const { value, low, high } = advantage;
    const noise = advantage.choiceNoise + advantage.stateNoise;
    const square = weight * (value ** 2 - noise);
    sums.actions += weight;
    sums.squares += square;
    if (credit !== 0) sums.creditedSquares += square;
    if (!trained) continue;
    sums.trained += weight;
    sums.c += weight * credit;
    sums.cc += weight * credit ** 2;
    sums.a += weight * value;
    sums.aa += weight * value ** 2;
    sums.ca += weight * credit * value;
    sums.noise += weight * noise;
    noises.add(advantage, weight, weight * credit);
    const [c, a] = [rankC[rank]!, rankA[rank++]!];
    sums.rankC += weight * c;
    sums.rankCC += weight * c * c;
    sums.rankA += weight * a;
    sums.rankAA += weight * a * a;
    sums.rankCA += weight * c * a;
    if (low > 0 || high < 0) {
      sums.clear += weight;
      sums.wrong += credit === 0 ? weight / 2 : credit > 0 === value > 0 ? 0 : weight;
    }
    sums[position] += weight;
    sums[`${position}C`] += weight * credit;
    sums[`${position}A`] += weight * value;
  }
  return { ...sums, ...noises.variances() };
}

/** Variances of weighted sums of true advantages, of which some have the same rollouts behind them. */
class Noises {
  private readonly shared = new Map<string, { variance: number; a: number; ca: number }>();

  add(advantage: TrueAdvantage, weight: number, creditWeight: number): void {
    const { choice, state, choiceNoise, stateNoise } = advantage;
    this.addTo(`choice ${choice}`, choiceNoise, weight, creditWeight);
    this.addTo(`state ${state}`, stateNoise, weight, creditWeight);
  }

  private addTo(name: string, variance: number, a: number, ca: number): void {
    if (variance === 0) return;
    const before = this.shared.get(name) ?? { variance, a: 0, ca: 0 };
    this.shared.set(name, { variance, a: before.a + a, ca: before.ca + ca });
  }

  variances(): Pick<QuestionSums, 'aNoise' | 'caNoise'> {
    let [aNoise, caNoise] = [0, 0];
    for (const { variance, a, ca } of this.shared.values()) {
      aNoise += a ** 2 * variance;
      caNoise += ca ** 2 * variance;
    }
    return { aNoise, caNoise };
  }
}
