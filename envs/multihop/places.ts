import type { FactCollector } from './facts.ts';
import type { SourceCity, SourceCountry, Sources } from './sources.ts';
import { placeKey } from './sources.ts';

/** Smallest places that are in: seats of a division, other places. Inhabitants. */
const SEAT_POPULATION = 200_000;
const CITY_POPULATION = 500_000;
/** A city is left out when another place with at least so many inhabitants has its name. */
const NAMESAKE_POPULATION = 15_000;

/** Capitals, cities and their first-level divisions. GeoNames and world-countries are joined by code. */
export function placeFacts(
  countries: readonly SourceCountry[],
  sources: Sources,
  collector: FactCollector,
): void {
  const inGraph = new Map(countries.map((country) => [country.cca2, country.name.common]));
  const capitals = addCapitals(countries, sources, collector);
  const taken = new Set([...collector.types.keys()].map(folded));
  const chosen = chooseCities(sources.cities, inGraph, taken);
  const cityNames = new Set(chosen.map((city) => folded(city.name)));
  const divisions = usableDivisions(
    sources.divisions,
    inGraph,
    (name) => taken.has(name) || cityNames.has(name),
  );
  // The packages are of different years and division codes are given anew (44 was Hanoi, and is Quang Tri):
  // the division of a place is told only if both sources count the place to the same code.
  const divisionOf = (place: SourceCity): string | undefined =>
    sources.placed.has(placeKey(place.country, place.name, place.adminCode))
      ? divisions.get(`${place.country}.${place.adminCode}`)
      : undefined;

  for (const [capital, place] of capitals) {
    const division = divisionOf(place);
    if (division === undefined) continue;
    addDivision(division, inGraph.get(place.country)!, collector);
    collector.fact(capital, 'division', division);
  }
  for (const city of chosen) {
    const division = divisionOf(city);
    if (division === undefined || !collector.node(city.name, 'city')) continue;
    addDivision(division, inGraph.get(city.country)!, collector);
    collector.fact(city.name, 'division', division);
  }
  addSeats(sources.cities, divisionOf, capitals, collector);
}

/** Capital name to its place in GeoNames. States with several capitals, or one named like them, have none. */
function addCapitals(
  countries: readonly SourceCountry[],
  sources: Sources,
  collector: FactCollector,
): Map<string, SourceCity> {
  const places = new Map<string, SourceCity[]>();
  for (const city of sources.cities) {
    if (city.featureCode === 'PPLC') places.set(city.country, [...(places.get(city.country) ?? []), city]);
  }
  const result = new Map<string, SourceCity>();
  const count = new Map<string, number>();
  for (const { capital } of countries)
    for (const name of capital) count.set(name, (count.get(name) ?? 0) + 1);
  for (const country of countries) {
    const [name] = country.capital;
    if (name === undefined || country.capital.length !== 1 || count.get(name) !== 1) continue;
    if (collector.types.has(name) || !collector.node(name, 'city')) continue;
    collector.fact(country.name.common, 'capital', name);
    // The two sources may hold different cities to be the capital: then its division is unknown.
    const place = places.get(country.cca2)?.find((city) => folded(city.name) === folded(name));
    if (place !== undefined) result.set(name, place);
  }
  return result;
}

function chooseCities(
  cities: readonly SourceCity[],
  inGraph: ReadonlyMap<string, string>,
  taken: ReadonlySet<string>,
): SourceCity[] {
  const namesakes = new Map<string, number>();
  for (const city of cities) {
    if (city.population < NAMESAKE_POPULATION) continue;
    const name = folded(city.name);
    namesakes.set(name, (namesakes.get(name) ?? 0) + 1);
  }
  return cities
    .filter(
      (city) =>
        inGraph.has(city.country) &&
        city.featureCode !== 'PPLC' &&
        city.featureCode !== 'PPLX' && // a part of a city
        city.population >= (city.featureCode === 'PPLA' ? SEAT_POPULATION : CITY_POPULATION) &&
        namesakes.get(folded(city.name)) === 1 &&
        !taken.has(folded(city.name)),
    )
    .sort((a, b) => b.population - a.population || (a.name < b.name ? -1 : 1));
}

/** Division code to name, for names that one division of the world and no other node has. */
function usableDivisions(
  divisions: ReadonlyMap<string, string>,
  inGraph: ReadonlyMap<string, string>,
  isTaken: (foldedName: string) => boolean,
): Map<string, string> {
  const count = new Map<string, number>();
  for (const name of divisions.values()) count.set(folded(name), (count.get(folded(name)) ?? 0) + 1);
  return new Map(
    [...divisions].filter(
      ([code, name]) =>
        inGraph.has(code.split('.')[0]!) && count.get(folded(name)) === 1 && !isTaken(folded(name)),
    ),
  );
}

function addDivision(division: string, country: string, collector: FactCollector): void {
  if (collector.types.has(division)) return;
  collector.node(division, 'division');
  collector.fact(division, 'country', country);
}

function addSeats(
  cities: readonly SourceCity[],
  divisionOf: (place: SourceCity) => string | undefined,
  capitals: ReadonlyMap<string, SourceCity>,
  collector: FactCollector,
): void {
  const names = new Map([...capitals].map(([name, place]) => [place, name]));
  const seats = new Map<string, string[]>();
  for (const city of cities) {
    if (city.featureCode !== 'PPLA' && city.featureCode !== 'PPLC') continue;
    const division = divisionOf(city);
    if (division === undefined || !collector.types.has(division)) continue;
    seats.set(division, [...(seats.get(division) ?? []), names.get(city) ?? city.name]);
  }
  const cityDivisions = new Set(
    collector.facts
      .filter(([, relation]) => relation === 'division')
      .map(([city, , division]) => `${city}|${division}`),
  );
  for (const [division, found] of seats) {
    const [seat] = found;
    // A seat that was left out, or one of several, is not told.
    if (seat !== undefined && found.length === 1 && cityDivisions.has(`${seat}|${division}`)) {
      collector.fact(division, 'seat', seat);
    }
  }
}

/** A name without case and accents, to find namesakes. */
export function folded(name: string): string {
  return name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
