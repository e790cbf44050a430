import { CST, type Document, isScalar, Lexer, LineCounter, parseDocument, visit } from 'yaml';

/** Characters. The suites that come with creditbench have 2,000. */
const MAX_LENGTH = 2 ** 20;
/** Levels of lists and mappings; a suite has 5. */
const MAX_DEPTH = 64;
/** Spaces before a line. */
const MAX_INDENT = 256;

/** What a YAML text holds, or what is wrong with it. */
export interface YamlText {
  /** Plain data: null, numbers, texts, truth values, lists, mappings. Undefined if there are problems. */
  readonly value: unknown;
  /** Undefined if the text could not be read at all. */
  readonly document: Document | undefined;
  readonly lines: LineCounter;
  readonly problems: readonly { readonly offset: number; readonly message: string }[];
}

/**
 * Reads YAML 1.2 as data. Nothing in it is code: a tag other than those of JSON's types is a problem, and so are keys
 * that come twice, more than 64 levels, more than 1,048,576 characters, and aliases that multiply. Merge keys (`<<`)
 * are keys like any other. Never throws, whatever the text.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const failed = (message: string): YamlText => {
    if (lines.lineStarts.length === 0) lines.addNewLine(0);
    return { value: undefined, document: undefined, lines, problems: [{ offset: 0, message }] };
  };
  if (text.length > MAX_LENGTH) return failed(`${text.length} characters; valid: at most ${MAX_LENGTH}`);
  if (isNested(text)) return failed(`more than ${MAX_DEPTH} levels deep`);
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      // A %YAML directive is ignored.
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      // The library compares every key with every other.
      uniqueKeys: false,
      // It would write warnings to stderr.
      logLevel: 'error',
    });
    const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => ({
      offset: pos[0],
      message,
    }));
    if (problems.length === 0) problems.push(...repeatedKeys(document));
    if (problems.length > 0) return { value: undefined, document, lines, problems };
    const value: unknown = document.toJS();
    if (isDeeper(value, MAX_DEPTH)) return failed(`more than ${MAX_DEPTH} levels deep`);
    return { value, document, lines, problems };
  } catch (error) {
    // Aliases that multiply or name nothing.
    return failed((error as Error).message);
  }
}

/**
 * Whether a text nests too deeply to be given to the parser, which calls itself for every level: where the stack
 * ends within a pattern that is yet to be compiled, V8 ends the process.
 */
function isNested(text: string): boolean {
  let flow = 0;
  let inLine = 0;
  let isFirst = true;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    const type = isScalarNext ? 'scalar' : CST.tokenType(token);
    isScalarNext = token === CST.SCALAR;
    if (isFirst && type === 'space' && token.length > MAX_INDENT) return true;
    isFirst = type === 'newline';
    if (isFirst) inLine = 0;
    if (type === 'flow-seq-start' || type === 'flow-map-start') flow += 1;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') flow = Math.max(0, flow - 1);
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind') {
      if (flow === 0) inLine += 1;
    }
    if (flow > MAX_DEPTH || inLine > MAX_DEPTH) return true;
  }
  return false;
}

function repeatedKeys(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          found.push({
            offset: key.range?.[0] ?? 0,
            message: `the key ${JSON.stringify(name)} is there twice`,
          });
        }
        seen.add(name);
      }
    },
  });
  return found;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
