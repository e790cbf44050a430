import { positionSums, type Sums, totalOf } from './sums.ts';

/** What credit is measured by. In `measures`, null where it is not defined. */
export const MEASURES = [
  'pearson',
  'pearson_observed',
  'pearson_within',
  'spearman',
  'sign_errors',
  'coverage',
  'explained',
  'explained_per_1000',
  'gradient_cosine',
  'scale',
  'mse',
  'mse_of_zero',
  'bias_first',
  'bias_middle',
  'bias_last',
] as const;
/**
 * Its name.
 * @experimental
 */
export type Measure = (typeof MEASURES)[number];

/**
 * All measures over some questions, corrected for the noise of a sampled truth where their names do not say otherwise
 * (Spearman's correlation is not).
 */
export function measures(questions: readonly Sums[]): Readonly<Record<Measure, number | null>> {
  const sums = totalOf(questions);
  const { scale, explained } = bestScale(sums);
  const bias = (position: 'first' | 'middle' | 'last'): number | null => {
    const { count, credit, advantage } = positionSums(sums, position);
    return share(scale * credit - advantage, count);
  };
  const within = questions.filter(({ trained }) => trained > 0).map(centredMoments);
  const all = (name: 'cc' | 'aa' | 'ca'): number => within.reduce((sum, one) => sum + one[name], 0);
  const pooled = centredMoments(sums);
  const { trained, rankC, rankCC, rankA, rankAA, rankCA } = sums;
  return {
    pearson: correlation(pooled),
    pearson_observed: correlation(centredMoments({ ...sums, noise: 0, aNoise: 0 })),
    pearson_within: correlation({ cc: all('cc'), aa: all('aa'), ca: all('ca') }),
    spearman: correlation(
      centredMoments({
        trained,
        c: rankC,
        cc: rankCC,
        a: rankA,
        aa: rankAA,
        ca: rankCA,
        noise: 0,
        aNoise: 0,
      }),
    ),
    sign_errors: share(sums.wrong, sums.clear),
    coverage: sums.squares > 0 ? sums.creditedSquares / sums.squares : null,
    explained: sums.squares > 0 ? explained / sums.squares : null,
    explained_per_1000: share(1000 * explained, sums.sampledTokens),
    gradient_cosine: cosine(sums),
    scale,
    mse: share(sums.squares - explained, sums.actions),
    mse_of_zero: share(sums.squares, sums.actions),
    bias_first: bias('first'),
    bias_middle: bias('middle'),
    bias_last: bias('last'),
  };
}

/** Of sums of squares. */
const ROUNDING = 1e-12;

const share = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

/**
 * The factor on the credit that brings it nearest to the true advantages in squares, at least 0: a learning rate has no
 * other sign. `explained`: by how much that lowers the sum of squares, that which fits the truth's noise taken off.
 */
function bestScale({ cc, ca, caNoise }: Sums): { readonly scale: number; readonly explained: number } {
  if (!(cc > 0 && ca > 0)) return { scale: 0, explained: 0 };
  return { scale: ca / cc, explained: Math.max(0, ca ** 2 - caNoise) / cc };
}

const cosine = ({ ownSquares, trueSquares, product }: Sums): number | null =>
  ownSquares > 0 && trueSquares > 0 ? product / Math.sqrt(ownSquares * trueSquares) : null;

type Moments = Readonly<Record<'cc' | 'aa' | 'ca', number>>;

/** Sums of products of deviations from the means, the noise of the truth taken off; 0 where only rounding is left. */
function centredMoments({
  trained,
  c,
  cc,
  a,
  aa,
  ca,
  noise,
  aNoise,
}: Pick<Sums, 'trained' | 'c' | 'cc' | 'a' | 'aa' | 'ca' | 'noise' | 'aNoise'>): Moments {
  const left = (centred: number, whole: number): number => (centred > ROUNDING * whole ? centred : 0);
  return {
    cc: left(cc - c ** 2 / trained, cc),
    aa: left(aa - noise - (a ** 2 - aNoise) / trained, aa),
    ca: ca - (c * a) / trained,
  };
}

/** Null if one of them does not vary. */
const correlation = ({ cc, aa, ca }: Moments): number | null =>
  cc > 0 && aa > 0 ? ca / Math.sqrt(cc * aa) : null;
