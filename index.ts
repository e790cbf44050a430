/** creditbench as a library: silent and typed; anything long takes an AbortSignal. */

export type {
  Algorithm,
  AlgorithmDescription,
  AnyAlgorithm,
  Credit,
  CreditedAction,
  ForkPoint,
} from './algorithms/algorithm.ts';
export { flatPlan, trajectoryCredit } from './algorithms/flat.ts';
export { mean, standardDeviation } from './algorithms/group.ts';
export {
  AGGREGATIONS,
  type Aggregation,
  evaluateLoss,
  type Loss,
  type LossRow,
  type Objective,
} from './algorithms/objective.ts';
export { objectiveOptions, toObjective } from './algorithms/options.ts';
export { ALGORITHMS, findAlgorithm } from './algorithms/registry.ts';
export { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from './algorithms/tree.ts';
export { nodeValues } from './algorithms/values.ts';
export { type Audit, type AuditObjective, type AuditRequest, audit } from './bench/audit/audit.ts';
export { enumerate, TooManyOutcomes } from './bench/audit/enumerate.ts';
export { type ExactState, exactGradient, type Oracle, solve } from './bench/audit/oracle.ts';
export {
  type BiasExpectation,
  type BiasReport,
  type CheckBiasOptions,
  checkBias,
} from './bench/audit/property.ts';
export type { Component, Verdict } from './bench/audit/verdict.ts';
export { CATALOG } from './bench/catalog.ts';
export type { Cell, CellContext, CellProgress, CellResult, Choice, Row } from './bench/cell.ts';
export { type CheckAlgorithmOptions, checkAlgorithm } from './bench/check-algorithm.ts';
export { CELL_COLUMNS, type Column, METRIC_COLUMNS, TIMING_COLUMNS } from './bench/columns.ts';
export { type RolloutCost, rolloutCost } from './bench/cost.ts';
export { runCriticality } from './bench/criticality/run.ts';
export { type Plan, type RolloutRequest, rollout } from './bench/engine.ts';
export { evaluate, type Scores, score } from './bench/evaluate.ts';
export { type CellOutcome, type NamedCell, type RunEvent, runSuite } from './bench/runner.ts';
export { resolveSuite, type Suite, suiteCells } from './bench/suite.ts';
export { readSuite } from './bench/suite-file.ts';
export { runCell } from './bench/train.ts';
export { InputError } from './core/errors.ts';
export { createRandom, type Random, shuffled } from './core/random.ts';
export { type CheckEnvironmentOptions, checkEnvironment } from './envs/check.ts';
export type {
  AnyEnvironment,
  Environment,
  LoadedEnvironment,
  Observation,
  Task,
  Transition,
} from './envs/environment.ts';
export { ENVIRONMENTS, findEnvironment } from './envs/registry.ts';
export { ANSWER_METRICS, type AnswerMetric, type AnswerScore, scoreAnswer } from './envs/scoring/answer.ts';
export { type FileMetric, scoreFiles, scoreTexts } from './envs/scoring/files.ts';
export type { EnvironmentSpec, LoadContext } from './envs/spec.ts';
export { greedy, sampleActions } from './policies/enumerable.ts';
export type {
  ActionRecord,
  ActRequest,
  LossGradient,
  Policy,
  Prompt,
  SampledAction,
  Sampling,
  TrainablePolicy,
} from './policies/policy.ts';
export { findPolicy, POLICIES } from './policies/registry.ts';
export type { PolicySpec } from './policies/spec.ts';
export { createTabularPolicy, type TabularOptions } from './policies/tabular/index.ts';
export { writeSuiteFiles } from './reports/csv.ts';
