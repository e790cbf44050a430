/**
 * creditbench as a library: silent and typed; anything long takes an AbortSignal. Below 1.0 what is public changes with
 * the minor version and a line in the changelog; what is tagged `@experimental` may change in any version. What is not
 * exported here is internal.
 */

// Public: what there is, registered and of a user's own.

export {
  type Catalog,
  type CatalogItems,
  type CatalogKind,
  choose,
  createCatalog,
  type UserItem,
} from './bench/catalog/catalog.ts';
export { type CodeReference, type UserCodeOptions, withUserCode } from './bench/catalog/user-code.ts';
export { CATALOG } from './catalog.ts';

// Public: a suite, and running it.

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
export type { Declaration } from './bench/declaration.ts';
export type { RunEvent } from './bench/runs/events.ts';
export type { CellOutcome } from './bench/runs/result-files.ts';
export { type RunOptions, type RunSummary, runSuite } from './bench/runs/runner.ts';
export {
  type CellState,
  type CellStatus,
  type FolderStatus,
  type Owner,
  readStatus,
} from './bench/runs/status.ts';
export type { CellError } from './bench/runs/storage.ts';
export { readSuite, type SuiteSource } from './bench/suites/file.ts';
export { type LoadedSuite, loadSuite } from './bench/suites/load.ts';
export type { SuiteOverrides } from './bench/suites/raw.ts';
export {
  resolveSuite,
  type Suite,
  type SuiteAlgorithm,
  type SuiteEnvironment,
  suiteCells,
} from './bench/suites/suite.ts';
export { withInputs } from './bench/training/inputs.ts';
export { runCell } from './bench/training/train.ts';

// Public: results, what is made of them, and the files that say it.

export { CELL_COLUMNS, type Column, METRIC_COLUMNS, TIMING_COLUMNS } from './bench/columns.ts';
export { metricColumns } from './bench/declaration.ts';
export { readResults, type StoredResult } from './bench/runs/results.ts';
export type { Anchors } from './bench/stats/anchors.ts';
export type { Interval, IntervalMethod } from './bench/stats/interval.ts';
export { analyze } from './reports/analysis.ts';
export type {
  Analysis,
  AnalysisOptions,
  ComparedCell,
  Cost,
  GroupAnalysis,
  PairAnalysis,
  ProfilePoint,
  SeedAnalysis,
  StepsAnalysis,
} from './reports/analyzed.ts';
export { compare } from './reports/comparison.ts';
export { analyzeOutcomes, writeAnalysisFiles } from './reports/csv.ts';
export { writeReport } from './reports/report-file.ts';

// Public: one training iteration.

export { type ConfiguredAlgorithm, configured } from './algorithms/configured.ts';
export type { HeadState, HeadStatistics } from './bench/training/heads.ts';
export {
  initialState,
  type Stage,
  servedState,
  type TrainedIteration,
  type TrainingProgress,
  type TrainingSetup,
  type TrainingState,
  trainIteration,
} from './bench/training/iteration.ts';
export type { AdamState } from './bench/training/learners/adam.ts';
export type { LocalWeights, Place, Places, SavedWeights } from './bench/training/learners/learner.ts';
export {
  type TrainingOptions,
  trainingSchema,
  type WarmStartOptions,
  warmStartSchema,
} from './bench/training/options.ts';
export type { TrainingRow, UpdateStatistics } from './bench/training/update.ts';

// Public: what an algorithm is, what it is made of, and checks of one.

export {
  type Algorithm,
  type AlgorithmDescription,
  type AnyAlgorithm,
  type Credit,
  type CreditedAction,
  type ForkPoint,
  type Head,
  type HeadLoss,
  MEASUREMENTS,
  type Measurement,
  type Resampling,
  type TokenValues,
} from './algorithms/algorithm.ts';
export type { LossRow } from './algorithms/loss-row.ts';
export {
  AGGREGATIONS,
  type Aggregation,
  evaluateLoss,
  type Loss,
  type Objective,
} from './algorithms/objective.ts';
export { flatPlan, trajectoryCredit } from './algorithms/shared/flat.ts';
export type { FutureWeighting } from './algorithms/shared/future.ts';
export { type Estimates, gae, type ValuedAction } from './algorithms/shared/gae.ts';
export { centred, zScores } from './algorithms/shared/group.ts';
export { objectiveOptions, toObjective } from './algorithms/shared/options.ts';
export { nodeValues } from './algorithms/shared/values.ts';
export { leaves, path, type RolloutTree, type TreeEdge, type TreeNode } from './algorithms/tree.ts';
export { type Audit, type AuditObjective, type AuditRequest, audit } from './bench/audit/audit.ts';
export { type CheckAlgorithmOptions, checkAlgorithm } from './bench/audit/check-algorithm.ts';
export {
  type BiasExpectation,
  type BiasReport,
  type CheckBiasOptions,
  checkBias,
} from './bench/audit/property.ts';
export type { Component, Verdict } from './bench/audit/verdict.ts';

// Public: what an environment is, and a check of one.

export { type CheckEnvironmentOptions, checkEnvironment } from './envs/check.ts';
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
export {
  ANSWER_METRICS,
  type AnswerKind,
  type AnswerMetric,
  type AnswerScore,
  scoreAnswer,
  scoreGiven,
} from './envs/scoring/answer.ts';
export type { AnyEnvironmentSpec, EnvironmentSpec, LoadContext } from './envs/spec.ts';

// Public: what a policy is, and the one for exact work.

export { greedy, sampleActions } from './policies/enumerable.ts';
export type {
  ActionRecord,
  ActRequest,
  Features,
  Generation,
  LossGradient,
  OwnedPolicy,
  Policy,
  Prompt,
  SampledAction,
  SampledTokens,
  Sampling,
  ServedPolicy,
  StepSettings,
  TokenCodec,
  TrainablePolicy,
} from './policies/policy.ts';
export type { AnyPolicySpec, PolicySpec, TrainingPlace, WeightLayout } from './policies/spec.ts';
export { createTabularPolicy, type TabularOptions } from './policies/tabular/index.ts';
export type { SharedOptions } from './policies/tabular/shared.ts';

// Public: used everywhere.

export { InputError } from './core/errors.ts';
export { createRandom, type Random, shuffled } from './core/random.ts';
export { type Divisor, mean, standardDeviation } from './core/statistics.ts';

// Experimental: what methods are good at.

export {
  compareAllPairs,
  type Discrimination,
  discrimination,
  isToldApart,
  type ProfilePair,
} from './bench/profile/pairs.ts';
export {
  type ProfiledUnit,
  type ProfileOptions,
  type ProfileRequest,
  profile,
  type UnitExecutor,
} from './bench/profile/profile.ts';
export { type LeftOutUnit, type ReferencedProfile, withReference } from './bench/profile/reference.ts';
export { referenceUnits } from './bench/profile/reference-file.ts';
export { type ProfileSummary, summarize, toldApart } from './bench/profile/summary.ts';
export type { Effort, ProfileRun, ProfileUnit, UnitRequest } from './bench/profile/unit.ts';
export { writeProfile } from './reports/profile/write.ts';

// Experimental: exact values by enumeration, criticality, the quality of credit.

export { enumerate, TooManyOutcomes } from './bench/audit/enumerate.ts';
export {
  type CommandEstimator,
  type CommandOptions,
  commandEstimator,
} from './bench/audit/estimators/command.ts';
export type { Estimator, EstimatorAdvantages } from './bench/audit/estimators/estimator.ts';
export { type ExactState, exactGradient, type Oracle, solve } from './bench/audit/oracle.ts';
export type { TruthAgreement } from './bench/credit-quality/agreement.ts';
export {
  COMPARED_MEASURES,
  type ComparedMeasure,
  type QualityDifference,
} from './bench/credit-quality/compare.ts';
export { QUALITY_MEASURES, type QualityMeasure } from './bench/credit-quality/measures.ts';
export {
  type CreditQuality,
  type CreditQualityRequest,
  creditQuality,
  type MethodQuality,
} from './bench/credit-quality/quality.ts';
export type { MeasuredMethod, MeasuredMethods } from './bench/credit-quality/store.ts';
export type { QuestionSums } from './bench/credit-quality/sums.ts';
export { type CriticalitySettings, runCriticality } from './bench/criticality/run.ts';
export type { CriticalityTable, CriticalityTables } from './bench/criticality/tables.ts';

// Experimental: the parts that a run is made of.

export { type RolloutCost, rolloutCost } from './bench/rollout/cost.ts';
export { type Plan, type RolloutRequest, rollout } from './bench/rollout/engine.ts';
export {
  describeEpisode,
  type Episode,
  type EpisodeToken,
  type EpisodeTurn,
} from './bench/rollout/episode.ts';
export { type EvaluationRequest, evaluate, type Scores, score } from './bench/rollout/evaluate.ts';
export type { Expert } from './bench/rollout/forced.ts';
export type { Measuring, Weights } from './bench/rollout/needs.ts';
export type { Executor, Job } from './bench/runs/executor.ts';
export { readCheckpoint, type StartingPoint, writeCheckpoint } from './bench/training/checkpoint.ts';

// Experimental: golden vectors.

export type { CreditRecord } from './bench/trajectories/credit-record.ts';
export {
  GOLDEN_KINDS,
  type GoldenKind,
  type GoldenTree,
  goldenTrees,
} from './bench/trajectories/golden/golden.ts';
export {
  type GoldenMethod,
  type GoldenRequest,
  type GoldenVector,
  type GoldenVectors,
  goldenVectors,
} from './bench/trajectories/golden/golden-credit.ts';

// Experimental: credit for other people's rollouts.

export { type ExportedBatch, type ExportRequest, exportedTrees } from './bench/trajectories/export.ts';
export type { Disagreement } from './bench/trajectories/files/disagreement.ts';
export {
  type CreditedGroup,
  type CreditMethod,
  creditFile,
  type FileCreditRequest,
  type RowSink,
} from './bench/trajectories/files/file-credit.ts';
export { type OpenRequest, openTrajectories, type TrajectoryFile } from './bench/trajectories/files/open.ts';
export type { Distribution } from './bench/trajectories/files/quantile-sketch.ts';
export { type CreditedTrajectory, creditLine } from './bench/trajectories/files/row.ts';
export type { CreditSummary, MethodSummary, PairSummary } from './bench/trajectories/files/summary.ts';
export type { Merge } from './bench/trajectories/merge.ts';
export type {
  PlacedTrajectory,
  ReadOptions,
  TrajectoryReader,
} from './bench/trajectories/readers/reader.ts';

// Experimental: trees of rollouts as a page.

export type { KeptTrees, LastTrees } from './bench/cell.ts';
export type { CreditedRow } from './bench/training/update.ts';
export type { MethodCredit, NoCredit, TurnCredit } from './bench/trajectories/credit.ts';
export type { GrownTree } from './bench/trajectories/grow.ts';
export type { Trajectory, TrajectoryTurn } from './bench/trajectories/trajectory.ts';
export type { ShownTree, TreeCredit, TreePageInput, TreePageLimits } from './reports/trees/input.ts';
export { treePage } from './reports/trees/page.ts';
export { writeTreePage } from './reports/trees/write.ts';

// Experimental: statistics over seeds.

export { createResamples, type Resamples } from './bench/stats/bootstrap.ts';
export { clusteredError } from './bench/stats/clustered-error.ts';
export { interval } from './bench/stats/interval.ts';
export { type PlannedComparison, pairedPower, seedsNeeded } from './bench/stats/power.ts';

// Experimental: questions, passages and predictions in files.

export type { Coverage } from './envs/data/coverage.ts';
export { type Inspection, type InspectOptions, inspect, type Spread } from './envs/data/inspect.ts';
export { openCorpus } from './envs/data/open-corpus.ts';
export { type LoadedFile, type OpenOptions, openQuestions } from './envs/data/open-questions.ts';
export type { LoadedRecord } from './envs/data/reader.ts';
export { type Paragraph, QUESTION_FORMATS, type QuestionRecord } from './envs/data/record.ts';
export type { FileScore, ScoreInput } from './envs/scoring/file-score.ts';
export { type FileMetric, type ScorePaths, scoreFiles, scoreTexts } from './envs/scoring/files.ts';
export type { NamedText } from './envs/scoring/json.ts';

// Experimental: what the search environment is made of.

export { createSearch, type SearchSettings } from './envs/search/environment.ts';
export { type Bm25, type Bm25Options, createBm25 } from './envs/search/retrieval/bm25.ts';
export {
  createRemoteRetriever,
  type RemoteRetriever,
  type RemoteRetrieverOptions,
} from './envs/search/retrieval/remote.ts';
export type { Hit, Passage, Retriever } from './envs/search/retrieval/retriever.ts';
export type { AnswerScorer } from './envs/search/reward.ts';
export type { SearchState, SearchStatus, SearchTask, SearchTurn } from './envs/search/task.ts';

// Experimental: tokenizers and files of weights.

export type { FolderFile } from './policies/hugging-face/write.ts';
export { readSafetensors, type Tensor, type TensorFile, writeSafetensors } from './policies/safetensors.ts';
export { type ChatTemplate, type ChatVariables, chatCodec } from './policies/tokenizer/chat.ts';
export { type FolderTokenizer, openingCodec, readTokenizerFolder } from './policies/tokenizer/folder.ts';
export type { AddedToken, BpeModel, TokenizerJson } from './policies/tokenizer/format.ts';
export { type Codec, createCodec } from './policies/tokenizer/load.ts';
export { readTokenizer } from './policies/tokenizer/read.ts';
export { type TokenizerOptions, trainTokenizer } from './policies/tokenizer/train.ts';
