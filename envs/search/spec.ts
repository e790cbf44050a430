import type { LoadedEnvironment } from '../environment.ts';
import { sha256 } from '../multihop/cache.ts';
import { loadMultihop } from '../multihop/multihop.ts';
import { type AnswerMetric, scoreAnswer } from '../scoring/answer.ts';
import type { EnvironmentSpec, LoadContext } from '../spec.ts';
import { createDemonstrator } from './demonstrations.ts';
import { createSearch } from './environment.ts';
import { type FactsTask, factsPassages, factsTask } from './facts.ts';
import { withKnownIds } from './gold.ts';
import { type SearchOptions, searchFiles, searchOptionsSchema } from './options.ts';
import { createBm25 } from './retrieval/bm25.ts';
import { createRemoteRetriever } from './retrieval/remote.ts';
import type { Passage, Retriever } from './retrieval/retriever.ts';
import type { AnswerScorer } from './reward.ts';
import type { SearchState, SearchTask } from './task.ts';

/** `search/v1` for the registry. */
export const searchSpec: EnvironmentSpec<SearchOptions> = {
  id: 'search/v1',
  actions: 'text',
  title: 'multi-hop questions answered by an agent that writes its own search queries',
  tags: ['text', 'search', 'facts', 'files', 'teacher'],
  schema: searchOptionsSchema.prefault({}),
  files: searchFiles,
  load: (options, context) =>
    options.questions === 'facts' ? loadFacts(options, context) : loadFiles(options, context),
};

type Tasks<T> = { readonly train: readonly T[]; readonly dev: readonly T[]; readonly test: readonly T[] };

async function loadFacts(
  options: SearchOptions,
  { cacheDirectory, signal, onNotice }: LoadContext,
): Promise<LoadedEnvironment<SearchState<FactsTask>, FactsTask>> {
  const { world } = await loadMultihop({
    cacheDirectory,
    signal,
    onNotice: (message) => onNotice?.(message),
    score: () => 0, // of its own environment, which is not used here
  });
  const { train, dev, test } = world.questions;
  const passages = factsPassages(world.facts.facts);
  const retriever = createRetriever(options, passages);
  const tasks = { train: train.map(factsTask), dev: dev.map(factsTask), test: test.map(factsTask) };
  return {
    ...assemble<FactsTask>(options, retriever, tasks, 'hotpotqa'),
    ask: (question, answers) => ({
      ...typed(question, answers),
      start: '',
      options: [],
      facts: [],
      relations: [],
    }),
    demonstrate: createDemonstrator(
      passages,
      options.atLimit === 'answer' ? options.maxTurns : options.maxTurns - 1,
    ),
  };
}

async function loadFiles(
  options: SearchOptions,
  { signal, onNotice }: LoadContext,
): Promise<LoadedEnvironment<SearchState, SearchTask>> {
  // The readers bring Parquet, CSV and JSON parsers along, which nothing else needs.
  const { loadDataset } = await import('./dataset.ts');
  const { tasks, passages, metric } = await loadDataset({
    files: options.files!,
    format: options.format,
    corpus: options.retriever === 'bm25' ? options.corpus : undefined,
    signal,
    onNotice: (message) => onNotice?.(message),
  });
  return { ...assemble(options, createRetriever(options, passages), tasks, metric), ask: typed };
}

/** A question that somebody typed: nobody knows its kind, its hops or its passages. */
function typed(question: string, answers: readonly string[]): SearchTask {
  return { id: 'typed', question, answers, kind: 'typed', hops: 0, goldPassages: [] };
}

/** @param passages of the corpus; for a server those whose ids are known, perhaps none. */
function createRetriever(options: SearchOptions, passages: readonly Passage[]): Retriever {
  const { retriever, retrieverName, k1, b, analyzer, timeoutMs, retries } = options;
  if (retriever === 'bm25') return createBm25({ passages, k1, b, analyzer });
  const server = createRemoteRetriever({ url: retriever, name: retrieverName!, timeoutMs, retries });
  return withKnownIds(server, passages);
}

function assemble<T extends SearchTask>(
  options: SearchOptions,
  retriever: Retriever,
  tasks: Tasks<T>,
  metric: AnswerMetric,
): LoadedEnvironment<SearchState<T>, T> {
  // Where files and servers are changes no number; what is in them is in the tasks and the retriever's hash.
  const { topK, maxTurns, maxActionTokens, maxObservationTokens, malformed, atLimit, reward, prompt } =
    options;
  const rules = { topK, maxTurns, maxActionTokens, maxObservationTokens, malformed, atLimit, reward, prompt };
  return {
    environment: createSearch<T>({ ...rules, retriever, score: hotpotScore }),
    tasks,
    metric,
    fingerprint: sha256(
      JSON.stringify({ id: 'search/v1', rules, retriever: retriever.fingerprint, metric, tasks }),
    ),
  };
}

/** A typed question may have no accepted answer: nothing is right then. */
const hotpotScore: AnswerScorer = (answer, golds) =>
  golds.length === 0 ? { f1: 0, em: 0 } : scoreAnswer('hotpotqa', answer, golds);
