import type { Row } from '../cell.ts';
import { column } from '../columns.ts';
import type { Audit } from './audit.ts';

/** `audit.csv`: one row per environment and algorithm. The JSON twin has the same names. */
export const AUDIT_COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'id', 'algorithm'),
  column('options', 'JSON', 'options that are not the defaults: what the budget means for this algorithm'),
  column('method', 'name', 'exact: every outcome enumerated; monte carlo: sampled'),
  column('outcomes', 'count', 'outcomes enumerated, or samples drawn'),
  column(
    'gradient_verdict',
    'name',
    'unbiased, zero (although the truth is not), scaled (up to a common factor), biased, or none',
  ),
  column('gradient_factor', 'ratio', 'best common factor of the expected to the exact gradient'),
  column('gradient_worst', 'name', 'parameter (state: action) farthest from factor times exact'),
  column('gradient_worst_error', 'ratio', 'its distance over the largest exact component'),
  column('gradient_flipped', 'count', 'parameters whose expected gradient has the wrong sign'),
  column('cosine', '-1..1', 'cosine of expected and exact gradient; hides flipped signs'),
  column(
    'advantage_verdict',
    'name',
    'the same for advantages of trained actions; shifted: up to a baseline',
  ),
  column('advantage_factor', 'ratio', 'best common factor of expected to exact advantages'),
  column('advantage_worst', 'name', 'state and action farthest from factor times exact'),
  column('advantage_worst_error', 'ratio', 'its distance over the largest exact advantage'),
  column('variance', 'gradient^2', 'trace of the covariance of one gradient estimate'),
  column('mean_squared_error', 'gradient^2', 'expected squared distance from the exact gradient'),
  column('direction_error', '0..1', 'the same over |exact|^2 at the best scale >= 0: 0 perfect, 1 useless'),
  column('tokens', 'tokens', 'expected generated tokens of one estimate'),
  column('error_per_token', 'tokens', 'direction_error times tokens: lower is more for the same sampling'),
  column('trained_actions', 'actions', 'expected trained actions of one estimate'),
] as const;

/** `audit_components.csv`: one row per environment, algorithm, quantity and component. */
export const AUDIT_COMPONENT_COLUMNS = [
  column('environment', 'id', 'environment and its version'),
  column('algorithm', 'id', 'algorithm'),
  column('quantity', 'name', 'gradient or advantage'),
  column('component', 'name', 'state: action'),
  column('exact', 'quantity', 'exact value'),
  column('expected', 'quantity', 'expectation of the estimate; empty where it is never made'),
  column('ratio', 'ratio', 'expected over exact; empty where exact is 0 to rounding'),
  column('standard_error', 'quantity', 'of `expected`; 0 where exact'),
] as const;

/** The row of AUDIT_COLUMNS. */
export function auditRow(audit: Audit, options: object): Row {
  const { gradient, advantage } = audit;
  return {
    environment: audit.environment,
    algorithm: audit.algorithm,
    options: JSON.stringify(options),
    method: audit.method,
    outcomes: audit.outcomes,
    gradient_verdict: gradient.kind,
    gradient_factor: finite(gradient.factor),
    gradient_worst: gradient.worst?.name ?? null,
    gradient_worst_error: finite(gradient.worst?.error),
    gradient_flipped: gradient.flipped.length,
    cosine: finite(audit.cosine),
    advantage_verdict: advantage.kind,
    advantage_factor: finite(advantage.factor),
    advantage_worst: advantage.worst?.name ?? null,
    advantage_worst_error: finite(advantage.worst?.error),
    variance: audit.variance,
    mean_squared_error: audit.meanSquaredError,
    direction_error: audit.directionError,
    tokens: audit.tokens,
    error_per_token: audit.errorPerToken,
    trained_actions: audit.trainedActions,
  };
}

/** The rows of AUDIT_COMPONENT_COLUMNS. */
export function componentRows(audit: Audit): readonly Row[] {
  return (['gradient', 'advantage'] as const).flatMap((quantity) => {
    const { components } = audit[quantity];
    const zero = 1e-9 * Math.max(0, ...components.map(({ exact }) => Math.abs(exact)));
    return components.map(({ name, exact, expected, standardError }) => ({
      environment: audit.environment,
      algorithm: audit.algorithm,
      quantity,
      component: name,
      exact,
      expected: finite(expected),
      ratio: Math.abs(exact) <= zero ? null : finite(expected / exact),
      standard_error: standardError,
    }));
  });
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
