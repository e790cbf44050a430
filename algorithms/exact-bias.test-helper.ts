import { type Audit, type AuditObjective, audit } from '../bench/audit/audit.ts';
import {
  STOP_OR_SEARCH_LOGITS,
  STOP_OR_SEARCH_TASK,
  stopOrSearch,
} from '../envs/diagnostic/stop-or-search.ts';
import { createTabularPolicy } from '../policies/tabular/index.ts';
import type { AnyAlgorithm } from './algorithm.ts';

/** What `exactBias` answers: ratios of the expected to the exact gradient, and the audit's verdict. */
export interface ExactBias {
  readonly kind: string;
  /** Of the logit of 'search' (the root) and of 'A' (the leaf). */
  readonly root: number;
  readonly leaf: number;
  readonly cosine: number;
  readonly advantage: string;
  /** All that the audit found. */
  readonly result: Audit;
}

/** The exact bias of an algorithm on stop-or-search at the quoted logits, every outcome enumerated. */
export async function exactBias(
  algorithm: AnyAlgorithm,
  options: Record<string, unknown>,
  {
    searchReward = 0,
    objective = 'plain',
    critic = 'exact',
  }: { searchReward?: number; objective?: AuditObjective; critic?: 'exact' | 'zero' } = {},
): Promise<ExactBias> {
  const result = await audit({
    algorithm,
    options: algorithm.schema.parse(options),
    environment: stopOrSearch(searchReward),
    task: STOP_OR_SEARCH_TASK,
    policy: createTabularPolicy(STOP_OR_SEARCH_LOGITS),
    objective,
    critic,
  });
  if (result.method !== 'exact') throw new Error(`${algorithm.id}: too many outcomes to enumerate`);
  const ratio = (name: string): number => {
    const { expected, exact } = result.gradient.components.find((component) => component.name === name)!;
    return expected / exact;
  };
  return {
    kind: result.gradient.kind,
    root: ratio('start: search'),
    leaf: ratio('found: A'),
    cosine: result.cosine,
    advantage: result.advantage.kind,
    result,
  };
}
