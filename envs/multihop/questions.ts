import { groupBy } from '../../core/group-by.ts';
import { createRandom, type Random, shuffled } from '../../core/random.ts';
import { bridgeCandidates, type Candidate, compositionalCandidates } from './candidates.ts';
import { comparisonCandidates } from './comparisons.ts';
import type { Graph } from './graph.ts';
import { containsName } from './leaks.ts';
import type { Kind, MultihopTask } from './task.ts';

/** The questions, by split. */
export interface Splits {
  readonly train: readonly MultihopTask[];
  readonly dev: readonly MultihopTask[];
  readonly test: readonly MultihopTask[];
}

/** The questions are the same for everyone: they do not depend on a run's seed. */
const QUESTIONS_SEED = 20_260_501;
/** How many questions of a kind and number of hops to aim for. */
const TARGETS: readonly (readonly [Kind, hops: number, count: number])[] = [
  ['compositional', 2, 900],
  ['compositional', 3, 900],
  ['compositional', 4, 600],
  ['bridge', 2, 300],
  ['bridge', 3, 500],
  ['bridge', 4, 500],
  ['comparison', 2, 450],
  ['comparison', 4, 450],
];
/** A template with fewer questions is not asked: a model could not learn it. */
const MIN_TEMPLATE = 5;
/** Largest share of a template's questions that have the same answer: guessing it must not pay. */
const MAX_ANSWER_SHARE = 0.25;
/** Share of a template's questions that goes to dev, and to test. */
const HELD_OUT = 0.09;
/** Splitting by answer needs this many groups of questions without an answer in common, */
const MIN_GROUPS = 5;
/** and none with a larger share of the questions. */
const MAX_GROUP_SHARE = 0.35;

/** Composes the questions. The same graph always gives the same questions in the same order. */
export function composeQuestions(graph: Graph): Splits {
  const random = createRandom(QUESTIONS_SEED);
  const candidates = [
    ...compositionalCandidates(graph),
    ...bridgeCandidates(graph),
    ...comparisonCandidates(graph, random.split('compare')),
  ];
  const splits = { train: [] as MultihopTask[], dev: [] as MultihopTask[], test: [] as MultihopTask[] };
  for (const [kind, hops, count] of TARGETS) {
    const templates = balancedTemplates(
      candidates.filter((candidate) => candidate.kind === kind && candidate.hops === hops),
      random,
    );
    const cap = capFor(count, templates);
    for (const ordered of templates) {
      const chosen = ordered.slice(0, cap);
      for (const [split, members] of Object.entries(splitTemplate(chosen, random))) {
        splits[split as keyof Splits].push(...members.map((member) => toTask(member, random)));
      }
    }
  }
  return {
    train: shuffled(splits.train, random.split('order', 'train')),
    dev: shuffled(splits.dev, random.split('order', 'dev')),
    test: shuffled(splits.test, random.split('order', 'test')),
  };
}

/**
 * Candidates by template, each template in an order in which its answers take turns, so that a prefix of any
 * length has them as evenly as they come: few answers with many questions are the rule (5 regions).
 */
function balancedTemplates(candidates: readonly Candidate[], random: Random): Candidate[][] {
  const templates = groupBy(candidates, (candidate) => candidate.template);
  return [...templates]
    .map(([template, members]) => {
      const byAnswer = groupBy(shuffled(members, random.split('choose', template)), answerKey);
      const queues = evened([...byAnswer.values()]);
      const longest = Math.max(0, ...queues.map((queue) => queue.length));
      return Array.from({ length: longest }, (_, turn) =>
        queues.flatMap((queue) => queue.slice(turn, turn + 1)),
      ).flat();
    })
    .filter((members) => members.length >= MIN_TEMPLATE);
}

/** Cuts the longest queues until none holds more than its share; none is left where answers are too few. */
function evened<Item>(queues: readonly Item[][]): Item[][] {
  const kept = (limit: number): number =>
    queues.reduce((sum, { length }) => sum + Math.min(length, limit), 0);
  let limit = Math.max(...queues.map(({ length }) => length));
  while (limit > 0 && limit > MAX_ANSWER_SHARE * kept(limit)) limit--;
  return queues.map((queue) => queue.slice(0, limit));
}

/** The largest number of questions per template at which all templates together stay within `count`. */
function capFor(count: number, templates: readonly (readonly unknown[])[]): number {
  const total = (cap: number): number =>
    templates.reduce((sum, { length }) => sum + Math.min(length, cap), 0);
  let cap = MIN_TEMPLATE;
  const longest = Math.max(0, ...templates.map(({ length }) => length));
  while (cap < longest && total(cap + 1) <= count) cap++;
  return cap;
}

/** Splits one template's questions by answer where it has answers enough, by question otherwise. */
function splitTemplate(
  members: readonly Candidate[],
  random: Random,
): Record<keyof Splits, readonly Candidate[]> {
  const byAnswer = answerGroups(members);
  const largest = Math.max(...byAnswer.map((group) => group.length));
  const isDisjoint = byAnswer.length >= MIN_GROUPS && largest <= MAX_GROUP_SHARE * members.length;
  const groups = shuffled(
    isDisjoint ? byAnswer : members.map((member) => [member]),
    random.split('split', members[0]!.template),
  );
  const heldOut = HELD_OUT * members.length;
  const result = { train: [] as Candidate[], dev: [] as Candidate[], test: [] as Candidate[] };
  for (const group of groups) {
    const split = result.dev.length < heldOut ? 'dev' : result.test.length < heldOut ? 'test' : 'train';
    result[split].push(...group);
  }
  return result;
}

/** Groups of questions such that no answer is in two groups (connected components over shared answers). */
export function answerGroups<Item extends { readonly answers: readonly string[] }>(
  members: readonly Item[],
): Item[][] {
  let groups: { answers: Set<string>; members: Item[] }[] = [];
  for (const member of members) {
    const touching = groups.filter((group) => member.answers.some((answer) => group.answers.has(answer)));
    groups = groups.filter((group) => !touching.includes(group));
    groups.push({
      answers: new Set([...touching.flatMap((group) => [...group.answers]), ...member.answers]),
      members: [...touching.flatMap((group) => group.members), member],
    });
  }
  return groups.map((group) => group.members);
}

function toTask(candidate: Candidate, random: Random): MultihopTask {
  const { write, ...rest } = candidate;
  return { ...rest, question: write(random.split('wording', candidate.id)) };
}

function answerKey(candidate: Candidate): string {
  return [...candidate.answers].sort().join('|');
}

/** True when the question says one of its answers. Comparisons do, by naming both candidates. */
export function saysAnswer(task: MultihopTask): boolean {
  return task.answers.some((answer) => containsName(task.question, answer));
}
