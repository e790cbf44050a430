import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALGORITHMS } from '../algorithms/registry.ts';

const FOLDER = fileURLToPath(new URL('../algorithms/', import.meta.url));
const ROOT = join(FOLDER, '..');
/** Where the table is kept. */
export const FIDELITY_FILE = join(FOLDER, 'FIDELITY.md');

const HEAD = `# Fidelity: equation, code, test

Made from the algorithms' pages by \`npm run fidelity\`; a test compares it with the pages and looks up every name in the
code and every file. The test column has the tests that check the equation: a comment above each says so
(\`// equation (gigpo): Eq. 5\`, the beginning of the line here). An equation without such a test fails. Evidence: \`paper\`
and \`code\` were read; a \`transcription\` is somebody's account of the paper; a \`reconstruction\` fills what nobody has
published (its page says what).
`;

/** A line of a page's table of what is implemented. */
interface Line {
  readonly equation: string;
  readonly where: string;
}

/** What a page says of an equation: where it is computed, and what its line says. */
interface Stated extends Line {
  readonly id: string;
  /** The files that its code is in. */
  readonly files: readonly string[];
}

/**
 * The whole of algorithms/FIDELITY.md.
 * @param read reads a test file.
 * @throws Error naming the page whose table names a file or a symbol that is not there, the equations without a test, or
 *   the markers without an equation.
 */
export function fidelity(read: (file: string) => string = (file) => readFileSync(file, 'utf8')): string {
  const stated = ALGORITHMS.flatMap(({ id }) =>
    linesOf(readFileSync(join(FOLDER, id, 'README.md'), 'utf8')).map(
      (line): Stated => ({ id, ...line, files: filesOfCode(id, line.where) }),
    ),
  );
  const checks = testFiles(stated).flatMap((file) => checksIn(file, read(file)));
  const used = new Set<Check>();
  const testsOf = (line: Stated): readonly Check[] => {
    const found = checks.filter((check) => isAbout(check, line));
    for (const check of found) used.add(check);
    return found;
  };
  const covered = stated.map((line) => ({ ...line, tests: testsOf(line) }));
  const problems = [
    ...covered
      .filter(({ tests }) => tests.length === 0)
      .map(({ id, equation }) => `algorithms/${id}/README.md: no test is marked as checking '${equation}'`),
    ...checks
      .filter((check) => !used.has(check))
      .map(({ file, id, text }) => `${relative(ROOT, file)}: no equation of ${id} begins with '${text}'`),
  ];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const sections = ALGORITHMS.map(({ id, description }) => {
    const page = readFileSync(join(FOLDER, id, 'README.md'), 'utf8');
    const rows = covered
      .filter((line) => line.id === id)
      .map(({ equation, where, tests }) => {
        const [what, code] = [equation, where].map((cell) => rebased(cell, id));
        const proof = [...new Set(tests.map(({ file, test }) => `${link(file)}: ${escaped(test)}`))];
        return `| ${what} | ${code} | ${proof.join('<br>')} |`;
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

/** A test that says of itself that it checks an equation. */
interface Check {
  readonly file: string;
  /** Title of the test. */
  readonly test: string;
  /** The algorithm; '*' for every one whose code is in the file that the test stands beside. */
  readonly id: string;
  /** How the equation's line begins; with '*' what is in it, or in its code. */
  readonly text: string;
}

/** The checks that the comments of a test file claim: `// equation (id): text` above a test, several lines for several. */
function checksIn(file: string, source: string): readonly Check[] {
  return [...source.matchAll(/^[ \t]*\/\/ equation \(([^)]+)\): (.+)$/gm)].map(
    ([marker, id, text], index, all) => {
      const behind = source.slice(all[index]!.index + marker.length);
      const code = behind.replace(/^(\s*\/\/.*\n)*\s*/, '');
      const title =
        /^it\(\s*(['"`])(.*?)(?<!\\)\1/s.exec(code) ??
        /^it\.each\b.*?\)\(\s*(['"`])(.*?)(?<!\\)\1/s.exec(code);
      if (title === null) throw new Error(`${file}: '// equation (${id}): ${text}' stands above no test`);
      return { file, id: id!, text: text!.trim(), test: title[2]! };
    },
  );
}

function isAbout({ file, id, text }: Check, line: Stated): boolean {
  if (id !== '*') return line.id === id && plain(line.equation).startsWith(plain(text));
  const beside = line.files.some((code) => code.replace(/\.ts$/, '.test.ts') === file);
  return beside && plain(`${line.equation} ${line.where}`).includes(plain(text));
}

/** Without the marks of Markdown. */
const plain = (text: string): string =>
  text
    .replace(/[`_*\\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

const escaped = (text: string): string =>
  text.replaceAll('\\', '').replaceAll('|', '\\|').replaceAll('<', '\\<');

/** The tests of the algorithms and those beside the code that their pages name. */
function testFiles(stated: readonly Stated[]): readonly string[] {
  const own = ALGORITHMS.flatMap(({ id }) => filesOf(id, '.test.ts'));
  const beside = stated.flatMap(({ files }) => files.map((file) => file.replace(/\.ts$/, '.test.ts')));
  return [...new Set([...own, ...beside])].filter((file) => existsSync(file));
}

/** The rows of the first table under 'What is implemented'; a page without one is a variant of another algorithm. */
function linesOf(page: string): readonly Line[] {
  const section = /^## What is implemented\n([\s\S]*?)(?=^## )/m.exec(page)?.[1] ?? '';
  const rows = (/(?:^\|.*\n)+/m.exec(section)?.[0] ?? '').split('\n').filter((line) => line !== '');
  const lines = rows.slice(2).map((row) => {
    const cells = row.slice(1, -1).split(/(?<!\\)\|/);
    const [where = '', ...rest] = cells.map((cell) => cell.trim()).reverse();
    return { equation: rest.reverse().filter(Boolean).join(': '), where };
  });
  return lines.length === 0 ? [{ equation: 'as its page says', where: '`index.ts`' }] : lines;
}

/** The files that a cell names in backticks. The symbols that it names are looked up in them and in the algorithm's own. */
function filesOfCode(id: string, where: string): readonly string[] {
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
  return files;
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
