import type { Relation } from './graph.ts';

type Phrases = readonly [string, string];

/**
 * Noun phrases for the value of a relation: `{x}` is the subject. Each has two wordings. The relation's own
 * word is in the phrase wherever English allows, for models that read few questions.
 */
const NOUN: Partial<Record<Relation, Phrases>> = {
  capital: ['the capital of {x}', 'the capital city of {x}'],
  'capital-of': ['the country whose capital is {x}', 'the country that has {x} as its capital'],
  currency: ['the currency of {x}', 'the currency used in {x}'],
  'currency-of': ['the only country whose currency is the {x}', 'the only country that uses the {x}'],
  language: ['the official language of {x}', 'the language that is official in {x}'],
  'language-of': [
    'the only country with {x} as an official language',
    'the only country where {x} is an official language',
  ],
  borders: ['the only country that borders {x}', 'the only neighbour of {x}'],
  subregion: ['the subregion of {x}', 'the subregion where {x} lies'],
  region: ['the region of {x}', 'the region that contains {x}'],
  family: ['the language family of {x}', 'the family that {x} belongs to'],
  'branch-of': ['the parent family of {x}', 'the family of which {x} is a branch'],
  division: ['the division of {x}', 'the division where {x} lies'],
  country: ['the country of {x}', 'the country that contains {x}'],
  seat: ['the seat of {x}', 'the administrative seat of {x}'],
};

/** The same where the relation has several values and any of them is right. */
const ANY_NOUN: Partial<Record<Relation, Phrases>> = {
  currency: ['a currency of {x}', 'a currency used in {x}'],
  language: ['an official language of {x}', 'a language that is official in {x}'],
};

/** 'the country that …': what a country does with the value `{x}`. */
const COUNTRY_CLAUSE: Partial<Record<Relation, string>> = {
  borders: 'borders {x}',
  currency: 'uses the {x}',
  language: 'has {x} as an official language',
  subregion: 'lies in {x}',
};

const FRAMES: readonly string[] = ['What is {x}?', 'Name {x}.', 'Find {x}.'];

/** How many wordings `question` has: pass 0 to this minus 1. */
export const FRAME_COUNT: number = FRAMES.length;

/**
 * The value of a relation of `subject` in words. A subject that is a phrase itself stands at the end: 'the
 * division where the capital of Peru lies' can be read, three such one in the other cannot.
 */
export function nounPhrase(
  relation: Relation,
  subject: string,
  { isOnly, isNested, wording }: { isOnly: boolean; isNested: boolean; wording: number },
): string {
  const phrases = (isOnly ? NOUN : ANY_NOUN)[relation];
  if (phrases === undefined) throw new Error(`no words for ${isOnly ? 'the only' : 'any'} ${relation}`);
  const drawn = phrases[wording % 2]!;
  return put(isNested && !drawn.endsWith('{x}') ? phrases[0] : drawn, subject);
}

/** True when any of several values can be asked for. */
export function hasAnyPhrase(relation: Relation): boolean {
  return ANY_NOUN[relation] !== undefined;
}

/** 'borders France', 'uses the Euro'. */
export function countryClause(relation: Relation, value: string): string {
  const clause = COUNTRY_CLAUSE[relation];
  if (clause === undefined) throw new Error(`no clause for ${relation}`);
  return put(clause, value);
}

/** A whole question for the thing described. */
export function question(description: string, wording: number): string {
  return put(FRAMES[wording % FRAMES.length]!, description);
}

function put(frame: string, value: string): string {
  return frame.replace('{x}', () => value);
}
