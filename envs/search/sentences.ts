import type { FactRelation } from '../multihop/facts.ts';

/** How the facts of one relation are told, and asked for. `{x}` stands for names: in the sentence the subject, then the objects. */
interface Wording {
  readonly sentence: string;
  /** The relation in a few words, without names. */
  readonly noun: string;
  /** Queries for the objects of a known subject; the later ones are for when the first found nothing. */
  readonly forward: readonly [string, string];
  /** Queries for a subject that has a known object. */
  readonly inverse: readonly [string, string];
}

/**
 * One wording per relation. The sentence repeats the relation's own words, so that a query finds it by subject
 * and by object; capitals, currencies and the like are told from their subject's side only. Where a query's
 * words are many passages' words, the name decides.
 */
export const WORDINGS: Readonly<Record<FactRelation, Wording>> = {
  capital: {
    sentence: 'The capital of {x} is {x}.',
    noun: 'capital',
    forward: ['capital of {x}', '{x} capital city'],
    inverse: ['country with capital {x}', '{x} is the capital'],
  },
  borders: {
    sentence: '{x} borders {x}.',
    noun: 'borders',
    forward: ['borders of {x}', '{x} borders'],
    inverse: ['country that borders {x}', 'borders {x}'],
  },
  currency: {
    sentence: '{x} uses the {x} as currency.',
    noun: 'currency',
    forward: ['currency of {x}', '{x} uses currency'],
    inverse: ['country with currency {x}', 'uses the {x}'],
  },
  language: {
    sentence: '{x} has {x} as official language.',
    noun: 'language',
    forward: ['official language of {x}', '{x} has official language'],
    inverse: ['country with official language {x}', 'has {x} as language'],
  },
  subregion: {
    sentence: '{x} lies in the subregion {x}.',
    noun: 'subregion',
    forward: ['subregion of {x}', '{x} lies in subregion'],
    inverse: ['country in subregion {x}', 'lies in {x}'],
  },
  region: {
    sentence: 'The region of {x} is {x}.',
    noun: 'region',
    forward: ['region of {x}', '{x} region'],
    inverse: ['subregion in region {x}', 'region is {x}'],
  },
  family: {
    sentence: '{x} belongs to the {x} family.',
    noun: 'family',
    forward: ['family of {x}', '{x} belongs to family'],
    inverse: ['language of family {x}', 'belongs to {x}'],
  },
  'branch-of': {
    sentence: '{x} is a branch of the parent family {x}.',
    noun: 'parent family',
    forward: ['parent family of {x}', '{x} is a branch'],
    inverse: ['branch of parent family {x}', 'branch of {x}'],
  },
  country: {
    sentence: '{x} is in the country {x}.',
    noun: 'country',
    forward: ['country of {x}', '{x} is in country'],
    inverse: ['division in country {x}', 'in the country {x}'],
  },
  division: {
    sentence: '{x} lies in the division {x}.',
    noun: 'division',
    forward: ['division of {x}', '{x} lies in division'],
    inverse: ['city in division {x}', 'lies in the division {x}'],
  },
  seat: {
    sentence: 'The seat of {x} is {x}.',
    noun: 'seat',
    forward: ['seat of {x}', '{x} administrative seat'],
    inverse: ['division with seat {x}', 'seat is {x}'],
  },
};

/** The sentence that tells all objects of a subject's relation: at least one. */
export function tell(subject: string, relation: FactRelation, objects: readonly string[]): string {
  return fill(WORDINGS[relation].sentence, subject, listed(objects));
}

/** Puts names into a wording: `first` where its first slot is, `second` in the other. */
export function fill(wording: string, first: string, second = ''): string {
  const names = [first, second];
  return wording.replace(/\{x\}/g, () => names.shift() ?? '');
}

/** 'A', 'A and B', 'A, B and C'. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
