import { Argument, Command } from 'commander';
import { describeSuites } from '../bench/suites/file.ts';
import { CATALOG } from '../catalog.ts';
import { printableJson } from '../core/printable.ts';
import { renderTable } from './table.ts';
import { print } from './terminal.ts';

const KINDS = ['algorithms', 'environments', 'suites'] as const;
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
  suites: async () =>
    (await describeSuites()).map(({ name, description }) => ({ id: name, title: description })),
};

/** `creditbench list`: what there is, as tables or as JSON on stdout. */
export function listCommand(): Command {
  return new Command('list')
    .description('lists algorithms, environments and suites')
    .addArgument(new Argument('[what]', 'what to list (default: everything)').choices(KINDS))
    .option('--json', 'print JSON, with default options')
    .addHelpText('after', EXAMPLES)
    .action(async (what: Kind | undefined, { json }: { json?: boolean }) => {
      const kinds = what === undefined ? KINDS : [what];
      const lists = await Promise.all(kinds.map(async (kind) => [kind, await LISTS[kind]()] as const));
      if (json) {
        const data = what === undefined ? Object.fromEntries(lists) : lists[0]![1];
        print(`${printableJson(data)}\n`);
        return;
      }
      for (const [kind, entries] of lists) print(`${table(kind, entries)}\n`);
    });
}

function table(kind: Kind, entries: readonly Entry[]): string {
  const extra: Record<Kind, readonly string[]> = {
    algorithms: ['granularity', 'extraSamples', 'critic', 'trained', 'evidence', 'paper'],
    environments: ['tags'],
    suites: [],
  };
  const columns = ['id', ...extra[kind], 'title'];
  const cell = (value: unknown) => (Array.isArray(value) ? value.join(', ') : String(value));
  return renderTable(
    // extraSamples: extra samples
    [kind, ...columns.slice(1).map((name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))],
    entries.map((entry) => columns.map((column) => cell(entry[column]))),
    { ascii: !process.stdout.isTTY },
  );
}
