import { Argument, Command } from 'commander';
import { type ZodType, z } from 'zod';
import { describeSuites } from '../bench/suites/file.ts';
import { CATALOG } from '../catalog.ts';
import { printableJson } from '../core/printable.ts';
import { addTableOptions, layoutOf, type TableFlags } from './layout.ts';
import { renderTable, type TableColumn } from './table.ts';
import { print } from './terminal.ts';

const KINDS = ['algorithms', 'environments', 'policies', 'suites'] as const;
type Kind = (typeof KINDS)[number];

const EXAMPLES = `
Examples:
  creditbench list
  creditbench list algorithms --json
`;

type Entry = Readonly<Record<string, unknown>>;

const LISTS: Record<Kind, () => Promise<readonly Entry[]>> = {
  algorithms: async () =>
    CATALOG.algorithms.map(({ id, description, schema }) => {
      const { extraSamples = 'none', critic = 'none', trained = 'all actions', ...rest } = description;
      return { id, ...rest, extraSamples, critic, trained, options: schema.parse({}) };
    }),
  environments: async () =>
    CATALOG.environments.map(({ id, title, tags = [], schema }) => ({
      id,
      title,
      tags,
      options: schema.parse({}),
    })),
  policies: async () =>
    CATALOG.policies.map(({ id, title, training = 'local', actions = 'either', schema }) => ({
      id,
      actions,
      training: TRAINING[training],
      title,
      ...defaults(schema),
    })),
  suites: async () =>
    (await describeSuites()).map(({ name, description }) => ({ id: name, title: description })),
};

/** Where a policy learns. */
const TRAINING = { local: 'here', server: 'on a server', none: 'not' } as const;

/** Default options; where some have none and are required, their names. */
function defaults(schema: ZodType): { readonly options: object; readonly required?: readonly string[] } {
  const whole = schema.safeParse({});
  if (whole.success) return { options: whole.data as object };
  const required = whole.error.issues.map(({ path }) => String(path[0]));
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const options = Object.entries(properties).flatMap(([name, property]) =>
    typeof property === 'object' && 'default' in property ? [[name, property.default]] : [],
  );
  return { options: Object.fromEntries(options), required };
}

const words = (name: string, rank?: number): TableColumn => ({
  name,
  // extraSamples: extra samples
  title: name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ...(rank === undefined ? {} : { rank }),
});

const COLUMNS: Record<Kind, readonly TableColumn[]> = {
  algorithms: [
    { name: 'id', title: 'algorithms', rank: 0 },
    ...['granularity', 'extraSamples', 'critic', 'trained'].map((name) => words(name, 2)),
    ...['evidence', 'paper'].map((name) => words(name)),
    words('title', 0),
  ],
  environments: [{ name: 'id', title: 'environments', rank: 0 }, words('tags', 1), words('title', 0)],
  policies: [
    { name: 'id', title: 'policies', rank: 0 },
    words('actions', 1),
    { name: 'training', title: 'learns', rank: 1 },
    words('title', 0),
  ],
  suites: [{ name: 'id', title: 'suites', rank: 0 }, words('title', 0)],
};

/** `creditbench list`: what there is, as tables or as JSON on stdout. */
export function listCommand(): Command {
  const command = new Command('list')
    .description('lists algorithms, environments, policies and suites')
    .addArgument(new Argument('[what]', 'what to list (default: everything)').choices(KINDS));
  const names = KINDS.flatMap((kind) => COLUMNS[kind].map(({ name }) => name));
  return addTableOptions(command, [...new Set(names)])
    .option('--json', 'print JSON, with default options')
    .addHelpText('after', EXAMPLES)
    .action(async (what: Kind | undefined, { json, ...flags }: TableFlags & { readonly json?: boolean }) => {
      const kinds = what === undefined ? KINDS : [what];
      const lists = await Promise.all(kinds.map(async (kind) => [kind, await LISTS[kind]()] as const));
      if (json) {
        const data = what === undefined ? Object.fromEntries(lists) : lists[0]![1];
        print(`${printableJson(data)}\n`);
        return;
      }
      const tables = lists.map(([kind, entries]) => table(kind, entries, flags));
      print(`${tables.filter((text) => text !== '').join('\n')}\n`);
    });
}

function table(kind: Kind, entries: readonly Entry[], flags: TableFlags): string {
  const cell = (value: unknown) => (Array.isArray(value) ? value.join(', ') : String(value));
  return renderTable(
    COLUMNS[kind],
    entries.map((entry) => COLUMNS[kind].map(({ name }) => cell(entry[name]))),
    layoutOf(flags),
  );
}
