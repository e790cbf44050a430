/** creditbench as a library: silent and typed; anything long takes an AbortSignal. */

export {
  type Algorithm,
  type AlgorithmDescription,
  type AnyAlgorithm,
  type Credit,
  type CreditedAction,
  type ForkPoint,
  type Head,
  MEASUREMENTS,
  type Measurement,
  type Resampling,
  type TokenValues,
} from './algorithms/algorithm.ts';
export { type ConfiguredAlgorithm, configured } from './algorithms/configured.ts';
export type { LossRow } from './algorithms/loss-row.ts';
export {
  AGGREGATIONS,
  type Aggregation,
  evaluateLoss,
  type Loss,
  type Objective,
} from './algorithms/objective.ts';
export { ALGORITHMS, findAlgorithm } from './algorithms/registry.ts';
export { flatPlan, trajectoryCredit } from './algorithms/shared/flat.ts';
export { gae } from './algorithms/shared/gae.ts';
export { centred, zScores } from './algorithms/shared/group.ts';
export { objectiveOptions, toObjective } from './algorithms/shared/options.ts';
export { nodeValues } from './algorithms/shared/values.ts';
export { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from './algorithms/tree.ts';
export { type Audit, type AuditObjective, type AuditRequest, audit } from './bench/audit/audit.ts';
export { type CheckAlgorithmOptions, checkAlgorithm } from './bench/audit/check-algorithm.ts';
export { enumerate, TooManyOutcomes } from './bench/audit/enumerate.ts';
export { type ExactState, exactGradient, type Oracle, solve } from './bench/audit/oracle.ts';
export {
  type BiasExpectation,
  type BiasReport,
  type CheckBiasOptions,
  checkBias,
} from './bench/audit/property.ts';
export type { Component, Verdict } from './bench/audit/verdict.ts';
export {
  type Catalog,
  type CatalogItems,
  type CatalogKind,
  choose,
  createCatalog,
  type UserItem,
} from './bench/catalog/catalog.ts';
export { type CodeReference, type UserCodeOptions, withUserCode } from './bench/catalog/user-code.ts';
export type {
  Cell,
  CellContext,
  CellProgress,
  CellResult,
  Choice,
  CodeFiles,
  CodeIdentity,
  NamedCell,
  Row,
} from './bench/cell.ts';
export { CELL_COLUMNS, type Column, METRIC_COLUMNS, TIMING_COLUMNS } from './bench/columns.ts';
export { runCriticality } from './bench/criticality/run.ts';
export { type Declaration, declarationOf, metricColumns } from './bench/declaration.ts';
export { type RolloutCost, rolloutCost } from './bench/rollout/cost.ts';
export { type Plan, type RolloutRequest, rollout } from './bench/rollout/engine.ts';
export { describeEpisode, type Episode } from './bench/rollout/episode.ts';
export { evaluate, type Scores, score } from './bench/rollout/evaluate.ts';
export { GOLD_FLOOR, type Measuring } from './bench/rollout/needs.ts';
export type { RunEvent } from './bench/runs/events.ts';
export type { Executor, Job } from './bench/runs/executor.ts';
export type { CellOutcome } from './bench/runs/result-files.ts';
export { readResults, type StoredResult } from './bench/runs/results.ts';
export { type RunOptions, type RunSummary, runSuite } from './bench/runs/runner.ts';
export { type CellState, type CellStatus, type FolderStatus, readStatus } from './bench/runs/status.ts';
export { createResamples, type Resamples } from './bench/stats/bootstrap.ts';
export { clusteredError } from './bench/stats/clustered-error.ts';
export { type Interval, type IntervalMethod, interval } from './bench/stats/interval.ts';
export { pairedPower, seedsNeeded } from './bench/stats/power.ts';
export { readSuite, type SuiteSource } from './bench/suites/file.ts';
export { type LoadedSuite, loadSuite } from './bench/suites/load.ts';
export { type SuiteOverrides, suiteReferences } from './bench/suites/raw.ts';
export { resolveSuite, type Suite, suiteCells } from './bench/suites/suite.ts';
export { readCheckpoint, type StartingPoint, writeCheckpoint } from './bench/training/checkpoint.ts';
export { withInputs } from './bench/training/inputs.ts';
export {
  initialState,
  type TrainedIteration,
  type TrainingSetup,
  type TrainingState,
  trainIteration,
} from './bench/training/iteration.ts';
export {
  type TrainingOptions,
  trainingSchema,
  type WarmStartOptions,
  warmStartSchema,
} from './bench/training/options.ts';
export { runCell } from './bench/training/train.ts';
export { CATALOG } from './catalog.ts';
export { InputError } from './core/errors.ts';
export { createRandom, type Random, shuffled } from './core/random.ts';
export { mean, standardDeviation } from './core/statistics.ts';
export { type CheckEnvironmentOptions, checkEnvironment } from './envs/check.ts';
export { type Inspection, inspect } from './envs/data/inspect.ts';
export { openCorpus } from './envs/data/open-corpus.ts';
export { openQuestions } from './envs/data/open-questions.ts';
export { QUESTION_FORMATS, type QuestionRecord } from './envs/data/record.ts';
export type {
  AnyEnvironment,
  Environment,
  EpisodeMetric,
  LoadedEnvironment,
  Observation,
  Score,
  Task,
  TextProtocol,
  Transition,
} from './envs/environment.ts';
export { ENVIRONMENTS, findEnvironment } from './envs/registry.ts';
export {
  ANSWER_METRICS,
  type AnswerKind,
  type AnswerMetric,
  type AnswerScore,
  scoreAnswer,
  scoreGiven,
} from './envs/scoring/answer.ts';
export { type FileMetric, scoreFiles, scoreTexts } from './envs/scoring/files.ts';
export { createSearch, type SearchSettings } from './envs/search/environment.ts';
export { createBm25 } from './envs/search/retrieval/bm25.ts';
export { createRemoteRetriever } from './envs/search/retrieval/remote.ts';
export type { Hit, Passage, Retriever } from './envs/search/retrieval/retriever.ts';
export type { SearchState, SearchTask } from './envs/search/task.ts';
export type { EnvironmentSpec, LoadContext } from './envs/spec.ts';
export { greedy, sampleActions } from './policies/enumerable.ts';
export type {
  ActionRecord,
  ActRequest,
  Generation,
  LossGradient,
  Policy,
  Prompt,
  SampledAction,
  SampledTokens,
  Sampling,
  TokenCodec,
  TrainablePolicy,
} from './policies/policy.ts';
export { findPolicy, POLICIES } from './policies/registry.ts';
export { readSafetensors, writeSafetensors } from './policies/safetensors.ts';
export type { PolicySpec } from './policies/spec.ts';
export { createTabularPolicy, type TabularOptions } from './policies/tabular/index.ts';
export { createCodec } from './policies/tokenizer/load.ts';
export { readTokenizer } from './policies/tokenizer/read.ts';
export { trainTokenizer } from './policies/tokenizer/train.ts';
export { analyze } from './reports/analysis.ts';
export type {
  Analysis,
  AnalysisOptions,
  ComparedCell,
  GroupAnalysis,
  PairAnalysis,
} from './reports/analyzed.ts';
export { compare } from './reports/comparison.ts';
export { analyzeOutcomes, writeAnalysisFiles } from './reports/csv.ts';
export { writeReport } from './reports/report-file.ts';
