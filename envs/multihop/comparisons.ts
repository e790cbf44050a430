import { type Random, shuffled } from '../../core/random.ts';
import type { Candidate } from './candidates.ts';
import { toFact } from './candidates.ts';
import type { Fact, NodeType } from './facts.ts';
import type { Graph, Relation } from './graph.ts';
import { sharesStem } from './leaks.ts';
import { START_PLACE } from './task.ts';

/** What is compared: which candidate has the value `{v}` at the end of these relations. */
interface Comparison {
  readonly type: NodeType;
  readonly relations: readonly Relation[];
  /** Two wordings. */
  readonly asks: readonly [string, string];
}

const COUNTRY_ASKS: readonly [Relation, string][] = [
  ['currency', 'uses the {v}'],
  ['language', 'has {v} as an official language'],
  ['subregion', 'lies in {v}'],
  ['borders', 'borders {v}'],
];

const COMPARISONS: readonly Comparison[] = [
  ...COUNTRY_ASKS.flatMap(([relation, clause]): Comparison[] => [
    {
      type: 'country',
      relations: [relation],
      asks: [`Which country ${clause}`, `Which of the two countries ${clause}`],
    },
    {
      type: 'city',
      relations: ['capital-of', relation],
      asks: [
        `Which city is the capital of a country that ${clause}`,
        `Which of the two cities is the capital of a country that ${clause}`,
      ],
    },
    {
      type: 'division',
      relations: ['country', relation],
      asks: [
        `Which division lies in a country that ${clause}`,
        `Which of the two divisions lies in a country that ${clause}`,
      ],
    },
  ]),
  {
    type: 'country',
    relations: ['subregion', 'region'],
    asks: [
      'Which country lies in a subregion of {v}',
      'Which of the two countries lies in a subregion of {v}',
    ],
  },
  {
    type: 'city',
    relations: ['division', 'country'],
    asks: ['Which city lies in a division of {v}', 'Which of the two cities lies in a division of {v}'],
  },
  {
    type: 'language',
    relations: ['family'],
    asks: [
      'Which language belongs to the {v} family',
      'Which of the two languages belongs to the {v} family',
    ],
  },
  {
    type: 'language',
    relations: ['family', 'branch-of'],
    asks: [
      'Which language belongs to a branch of the {v} family',
      'Which of the two languages belongs to a branch of the {v} family',
    ],
  },
  {
    type: 'country',
    relations: ['language', 'family'],
    asks: [
      'Which country has an official language of the {v} family',
      'Which of the two countries has an official language of the {v} family',
    ],
  },
];

/**
 * 'Which of the two countries uses the Bulgarian Lev, Bulgaria or Serbia?': one for every candidate and value.
 * The other candidate is drawn, from the same subregion half of the time.
 */
export function comparisonCandidates(graph: Graph, random: Random): Candidate[] {
  return COMPARISONS.flatMap((comparison) => {
    const template = `compare ${comparison.relations.join('>')} of ${comparison.type}`;
    const pool = new Map(
      [...graph.types]
        .filter(([name, type]) => type === comparison.type && isVisible(graph, name, comparison.relations))
        .map(([name]) => [name, endValues(graph, name, comparison.relations)]),
    );
    return [...pool].flatMap(([answer, values]) =>
      [...values].flatMap((value) => {
        const draws = random.split(template, answer, value);
        const other = drawOther(graph, pool, answer, value, draws);
        return other === undefined
          ? []
          : [candidate(graph, comparison, template, answer, other, value, draws)];
      }),
    );
  });
}

/** True when the walk can follow the relations all the way from `name`, so that both sides can be checked. */
function isVisible(graph: Graph, name: string, relations: readonly Relation[]): boolean {
  const [relation, ...rest] = relations;
  if (relation === undefined) return true;
  const targets = graph.targets(name, relation);
  return targets.length > 0 && targets.every((target) => isVisible(graph, target, rest));
}

function endValues(graph: Graph, name: string, relations: readonly Relation[]): Set<string> {
  let names = [name];
  for (const relation of relations) names = names.flatMap((one) => graph.targets(one, relation));
  return new Set(names);
}

function drawOther(
  graph: Graph,
  pool: ReadonlyMap<string, ReadonlySet<string>>,
  answer: string,
  value: string,
  random: Random,
): string | undefined {
  if (sharesStem(value, answer)) return undefined;
  const subregion = graph.values(answer, 'subregion')[0];
  const fits = (other: string): boolean =>
    other !== answer &&
    !pool.get(other)!.has(value) &&
    // A language may lie deeper in the family than the relations reach: then both would be right.
    !isAncestor(graph, value, other) &&
    !sharesStem(value, other) &&
    !sharesStem(answer, other);
  const order = shuffled([...pool.keys()], random);
  if (subregion !== undefined && random.integer(2) === 0) {
    const near = order.find((other) => graph.values(other, 'subregion')[0] === subregion && fits(other));
    if (near !== undefined) return near;
  }
  return order.find(fits);
}

/** True when `family` is above a language, or above an official language of a country. */
function isAncestor(graph: Graph, family: string, name: string): boolean {
  if (graph.types.get(family) !== 'family') return false;
  const up = [
    ...graph.values(name, 'language'),
    ...graph.values(name, 'family'),
    ...graph.values(name, 'branch-of'),
  ];
  return up.some((upper) => upper === family || isAncestor(graph, family, upper));
}

function candidate(
  graph: Graph,
  { relations, asks }: Comparison,
  template: string,
  answer: string,
  other: string,
  value: string,
  random: Random,
): Candidate {
  const options = random.integer(2) === 0 ? [answer, other] : [other, answer];
  return {
    kind: 'comparison',
    template,
    id: `${template}:${options.join('|')}|${value}`,
    start: START_PLACE,
    options,
    answers: [answer],
    hops: 2 * relations.length,
    moves: 1,
    facts: options.flatMap((option) => sideFacts(graph, option, relations)),
    write: (wordings) =>
      `${asks[wordings.integer(2)]!.replace('{v}', () => value)}, ${options.join(' or ')}?`,
  };
}

function sideFacts(graph: Graph, node: string, relations: readonly Relation[]): Fact[] {
  const [relation, ...rest] = relations;
  if (relation === undefined) return [];
  return graph
    .targets(node, relation)
    .flatMap((target) => [toFact(node, { relation, target }), ...sideFacts(graph, target, rest)]);
}
