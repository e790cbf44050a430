import { FactCollector, type FactRelation, type Facts } from './facts.ts';
import { CORRECTED_CODES, FAMILY_NAMES, PASSED_OVER } from './families.ts';
import { placeFacts } from './places.ts';
import type { SourceCountry, Sources } from './sources.ts';

/** Rises with every change to what is built from the same packages. */
export const BUILDER_VERSION = 1;

/** In the graph besides the independent states: without them their neighbours' borders would have gaps. */
const ALSO_COUNTRIES: ReadonlySet<string> = new Set(['PSE', 'TWN', 'UNK']);

/** Chooses, names and joins the facts. Deterministic for given sources and given Intl data. */
export function buildFacts(sources: Sources): Facts {
  const collector = new FactCollector();
  const countries = sources.countries
    .filter((country) => country.independent === true || ALSO_COUNTRIES.has(country.cca3))
    .sort((a, b) => (a.cca3 < b.cca3 ? -1 : 1));
  for (const country of countries) collector.node(country.name.common, 'country');
  addRegions(countries, collector);
  addBorders(countries, collector);
  addCurrencies(countries, collector);
  addLanguages(countries, sources, collector);
  placeFacts(countries, sources, collector);
  return { types: collector.types, facts: collector.facts };
}

function addRegions(countries: readonly SourceCountry[], collector: FactCollector): void {
  const done = new Set<string>();
  for (const { name, region, subregion } of countries) {
    if (!collector.node(subregion, 'subregion') || !collector.node(region, 'region')) continue;
    collector.fact(name.common, 'subregion', subregion);
    if (!done.has(subregion)) collector.fact(subregion, 'region', region);
    done.add(subregion);
  }
}

function addBorders(countries: readonly SourceCountry[], collector: FactCollector): void {
  const byCode = new Map(countries.map((country) => [country.cca3, country]));
  for (const country of countries) {
    for (const code of country.borders) {
      const neighbour = byCode.get(code);
      // world-countries 5.1.0 has one border stated from one side only (Sri Lanka and India): no land border.
      if (neighbour?.borders.includes(country.cca3)) {
        collector.fact(country.name.common, 'borders', neighbour.name.common);
      }
    }
  }
}

function addCurrencies(countries: readonly SourceCountry[], collector: FactCollector): void {
  const names = new Intl.DisplayNames(['en'], { type: 'currency' });
  for (const country of countries) {
    // 'Sierra Leonean Leone (1964—2022)': the years are no part of the name.
    const values = Object.entries(country.currencies).map(([code, { name }]) => {
      const known = names.of(code);
      return (known === undefined || known === code ? name : known).replace(/ \(.*\)$/u, '');
    });
    if (!values.every((value) => collector.node(value, 'currency'))) continue;
    for (const value of new Set(values)) collector.fact(country.name.common, 'currency', value);
  }
}

function addLanguages(countries: readonly SourceCountry[], sources: Sources, collector: FactCollector): void {
  const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });
  const parents = groupParents(sources.languageGroups);
  const described = new Set<string>();
  for (const country of countries) {
    for (const [given, ownName] of Object.entries(country.languages)) {
      const code = CORRECTED_CODES[given] ?? given;
      const cldrCode = sources.languageAliases.get(code) ?? code;
      // One code has two names in world-countries ('ron' is Romanian and Moldavian): the code decides.
      const plain = (cldrCode === code && names.of(code)) || names.of(cldrCode) || ownName;
      // Nauru is a country and its language.
      const name = collector.node(plain, 'language') ? plain : `${plain} language`;
      collector.node(name, 'language');
      collector.fact(country.name.common, 'language', name);
      if (described.has(name)) continue;
      described.add(name);
      addFamilies(name, cldrCode.split('-')[0]!, parents, collector);
    }
  }
}

function addFamilies(
  language: string,
  code: string,
  parents: ReadonlyMap<string, string>,
  collector: FactCollector,
): void {
  let subject = language;
  let relation: FactRelation = 'family';
  for (let group = parents.get(code); group !== undefined; group = parents.get(group)) {
    if (PASSED_OVER.has(group)) continue;
    const name = FAMILY_NAMES[group];
    if (name === undefined) return;
    const known = collector.types.has(name);
    if (!collector.node(name, 'family')) return;
    collector.fact(subject, relation, name);
    if (known) return; // the way up from here has been told
    subject = name;
    relation = 'branch-of';
  }
}

/**
 * Member code to group code. The group 'mul' is the root of everything and would overwrite real parents. A
 * member of several groups goes to the innermost when they are nested, to none when they are not.
 */
function groupParents(groups: Readonly<Record<string, string>>): Map<string, string> {
  const all = new Map<string, string[]>();
  for (const [group, members] of Object.entries(groups)) {
    if (group === 'mul') continue;
    for (const member of members.split(' ')) all.set(member, [...(all.get(member) ?? []), group]);
  }
  const isAbove = (upper: string, lower: string): boolean =>
    (all.get(lower) ?? []).some((parent) => parent === upper || isAbove(upper, parent));
  const result = new Map<string, string>();
  for (const [member, candidates] of all) {
    const innermost = candidates.filter((one) => !candidates.some((other) => isAbove(one, other)));
    if (innermost.length === 1) result.set(member, innermost[0]!);
  }
  return result;
}
