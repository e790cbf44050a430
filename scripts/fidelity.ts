import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALGORITHMS } from '../algorithms/registry.ts';

const FOLDER = fileURLToPath(new URL('../algorithms/', import.meta.url));
/** Where the table is kept. */
export const FIDELITY_FILE = join(FOLDER, 'FIDELITY.md');

const HEAD = `# Fidelity: equation, code, test

Made from the algorithms' pages by \`npm run fidelity\`; a test compares it with the pages, looks up every name in the
code and every file. Evidence: \`paper\` and \`code\` were read; a \`transcription\` is somebody's account of the paper; a
\`reconstruction\` fills what nobody has published (its page says what).
`;

/** A line of a page's table of what is implemented. */
interface Line {
  readonly equation: string;
  readonly where: string;
}

/**
 * The whole of algorithms/FIDELITY.md.
 * @throws Error naming the page whose table names a file or a symbol that is not there, or the algorithm without a test.
 */
export function fidelity(): string {
  const sections = ALGORITHMS.map(({ id, description }) => {
    const page = readFileSync(join(FOLDER, id, 'README.md'), 'utf8');
    const tests = filesOf(id, '.test.ts');
    if (tests.length === 0) throw new Error(`algorithms/${id} has no test`);
    const rows = linesOf(page).map(({ equation, where }) => {
      const { files, symbols } = lookUp(id, where);
      const own = tests.filter((file) => symbols.some((symbol) => mentions(file, symbol)));
      const shared = files
        .map((file) => file.replace(/\.ts$/, '.test.ts'))
        .filter((file) => !tests.includes(file) && existsSync(file));
      const proof = [...(own.length === 0 && shared.length === 0 ? tests : own), ...shared];
      const [what, code] = [equation, where].map((cell) => rebased(cell, id));
      return `| ${what} | ${code} | ${[...new Set(proof)].map(link).join(', ')} |`;
    });
    const deviates = /^`?DEVIATES:`?\s*([\s\S]*?)(?:\n\n|\n*$)/m
      .exec(page)?.[1]
      ?.replaceAll('\n', ' ')
      .trim();
    return [
      `## [${id}](${id}/README.md)`,
      `${description.title}; ${description.paper}; evidence: ${description.evidence}.`,
      ['| equation | code | test |', '|---|---|---|', ...rows].join('\n'),
      `Deviates: ${deviates === undefined || deviates === '' ? 'nothing known' : rebased(deviates, id)}`,
    ].join('\n\n');
  });
  return `${[HEAD.trim(), ...sections].join('\n\n')}\n`;
}

/** The rows of the first table under 'What is implemented'; a page without one is a variant of another algorithm. */
function linesOf(page: string): readonly Line[] {
  const section = /^## What is implemented\n([\s\S]*?)(?=^## )/m.exec(page)?.[1] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  const lines = rows.slice(2).map((row) => {
    const cells = row.slice(1, -1).split(/(?<!\\)\|/);
    const [where = '', ...rest] = cells.map((cell) => cell.trim()).reverse();
    return { equation: rest.reverse().filter(Boolean).join(': '), where };
  });
  return lines.length === 0 ? [{ equation: 'as its page says', where: '`index.ts`' }] : lines;
}

/** The files and symbols that a cell names in backticks. */
function lookUp(
  id: string,
  where: string,
): { readonly files: readonly string[]; readonly symbols: readonly string[] } {
  const names = [...where.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => resolve(id, name));
  const symbols = names.filter((name) => /^[A-Za-z_]\w*$/.test(name));
  const code = [...new Set([...files, ...filesOf(id, '.ts').filter((file) => !file.endsWith('.test.ts'))])];
  for (const symbol of symbols) {
    if (!code.some((file) => mentions(file, symbol))) {
      throw new Error(
        `algorithms/${id}/README.md names \`${symbol}\`, which is in none of ${code.map(link).join(', ')}`,
      );
    }
  }
  return { files, symbols };
}

/** A path as a page writes it: beside the page, or from the root of the repository. */
function resolve(id: string, name: string): string {
  const found = [join(FOLDER, id, name), join(FOLDER, '..', name)].find((path) => existsSync(path));
  if (found === undefined) throw new Error(`algorithms/${id}/README.md names ${name}, which is not there`);
  return found;
}

const filesOf = (id: string, ending: string): readonly string[] =>
  readdirSync(join(FOLDER, id))
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => join(FOLDER, id, file));

const mentions = (file: string, symbol: string): boolean =>
  new RegExp(`\\b${symbol}\\b`).test(readFileSync(file, 'utf8'));

/** Links of a page, as they are from the folder above it. */
const rebased = (text: string, id: string): string =>
  text.replaceAll(
    /\]\((?!https?:)([^)#]+)/g,
    (_, target: string) => `](${join(id, target).replaceAll('\\', '/')}`,
  );

const link = (file: string): string =>
  `[${basename(file)}](${relative(dirname(FIDELITY_FILE), file).replaceAll('\\', '/')})`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FIDELITY_FILE, fidelity());
