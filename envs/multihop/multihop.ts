import { z } from 'zod';
import { InputError } from '../../core/errors.ts';
import type { LoadedEnvironment } from '../environment.ts';
import { BUILDER_VERSION, buildFacts } from './build-facts.ts';
import { cached, sha256 } from './cache.ts';
import {
  ANSWER,
  createMultihop,
  type MultihopState,
  type Score,
  VIA_BACK,
  VIA_START,
} from './environment.ts';
import type { Fact, Facts, NodeType } from './facts.ts';
import { createGraph, type Graph, RELATIONS } from './graph.ts';
import { composeQuestions, type Splits } from './questions.ts';
import { readSources, sourceVersions } from './sources.ts';
import { type MultihopTask, START_PLACE } from './task.ts';
import { createTeacher } from './teacher.ts';

/** Options of `multihop/v1`. */
export const multihopOptionsSchema = z.strictObject({
  maxTurns: z
    .int()
    .min(2)
    .max(20)
    .default(6)
    .describe('Turns per episode; questions that need more are left out.'),
});

/** Options of `multihop/v1`. */
export type MultihopOptions = z.infer<typeof multihopOptionsSchema>;

/** The graph of facts and all questions, whatever the number of turns. */
interface MultihopWorld {
  readonly facts: Facts;
  readonly graph: Graph;
  readonly questions: Splits;
  /** Hash of the versions, the facts and the questions. */
  readonly fingerprint: string;
}

/** What `loadMultihopWorld` needs. */
interface WorldOptions {
  /** Folder of the cache file, made when missing. Must not be committed: the facts are under ODbL. */
  readonly cacheDirectory: string;
  /** Is told when the cache is damaged or cannot be used. Default: nobody. */
  readonly onNotice?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the facts and composes the questions, from the cache file if there is one. */
async function loadMultihopWorld(options: WorldOptions): Promise<MultihopWorld> {
  const { cacheDirectory, onNotice, signal } = options;
  signal?.throwIfAborted();
  const key = JSON.stringify({ builder: BUILDER_VERSION, ...sourceVersions() });
  const content = await cached({ directory: cacheDirectory, key, build: buildContent, onNotice });
  signal?.throwIfAborted();
  const { types, facts, questions } = JSON.parse(content) as Content;
  const world: Facts = { types: new Map(types), facts };
  return {
    facts: world,
    graph: createGraph(world),
    questions,
    fingerprint: sha256(`${key}\n${content}`),
  };
}

/** What the cache file holds. Its checksum has been compared when it is read. */
interface Content {
  readonly types: readonly (readonly [string, NodeType])[];
  readonly facts: readonly Fact[];
  readonly questions: Splits;
}

function buildContent(): string {
  const facts = buildFacts(readSources());
  const content: Content = {
    types: [...facts.types],
    facts: facts.facts,
    questions: composeQuestions(createGraph(facts)),
  };
  return JSON.stringify(content);
}

/** `multihop/v1`, with the world it plays in. */
export interface LoadedMultihop extends LoadedEnvironment<MultihopState, MultihopTask> {
  readonly world: MultihopWorld;
  /** Texts that together have every word that an observation or an action can have, for vocabularies. */
  readonly texts: readonly string[];
}

/**
 * Loads `multihop/v1`: questions of 2 to 4 hops over real facts, answered by walking.
 * @param options `maxTurns` 2 to 20, 6 when left out; `score` rates an answer against the golds (0 to 1).
 * @throws InputError when `maxTurns` is out of range.
 */
export async function loadMultihop(
  options: WorldOptions & { readonly maxTurns?: number | undefined; readonly score: Score },
): Promise<LoadedMultihop> {
  const parsed = multihopOptionsSchema.safeParse({ maxTurns: options.maxTurns });
  if (!parsed.success) {
    throw new InputError(
      `multihop/v1: option maxTurns is ${options.maxTurns}, must be an integer from 2 to 20`,
    );
  }
  const { maxTurns } = parsed.data;
  const world = await loadMultihopWorld(options);
  const { graph, questions } = world;
  const fits = (task: MultihopTask): boolean => task.moves + 1 <= maxTurns;
  const teacher = createTeacher(graph);
  return {
    environment: createMultihop({ graph, maxTurns, score: options.score }),
    tasks: {
      train: questions.train.filter(fits),
      dev: questions.dev.filter(fits),
      test: questions.test.filter(fits),
    },
    fingerprint: sha256(JSON.stringify({ id: 'multihop/v1', maxTurns, world: world.fingerprint })),
    demonstrate: teacher.act,
    world,
    texts: allTexts(world, maxTurns),
  };
}

function allTexts({ graph, questions }: MultihopWorld, maxTurns: number): string[] {
  const turns = Array.from({ length: maxTurns }, (_, index) => `${index + 1}`).join(' ');
  return [
    `| at via ${VIA_START} ${VIA_BACK} from turns left ${turns} option to ${ANSWER} ${START_PLACE}`,
    RELATIONS.join(' '),
    ...graph.types.keys(),
    ...[...questions.train, ...questions.dev, ...questions.test].map((task) => task.question),
  ];
}
