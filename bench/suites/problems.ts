import { type Document, isMap, isNode, isPair, isScalar, type LineCounter } from 'yaml';
import { type ZodError, type ZodType, z } from 'zod';

export type Path = readonly PropertyKey[];

/** Something wrong with a value of a document. */
export interface Problem {
  /** Where the value is; for a key that should not be there, the path that ends in it. */
  readonly path: Path;
  /** What is wrong, without the path: `-3 is not valid; valid: whole number >= 1`. */
  readonly message: string;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly pattern?: string;
}

/**
 * Checks a value against a schema. Every problem names the value and the valid range, which zod's own messages
 * give only in part.
 */
export function checkValue<T>(
  schema: ZodType<T>,
  value: unknown,
  base: Path = [],
): { readonly value: T } | { readonly problems: readonly Problem[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  const json = jsonSchema(schema);
  return { problems: result.error.issues.flatMap((issue) => describeIssue(issue, json, value, base)) };
}

/** Made once for every schema: a suite may have many problems. */
const jsonSchemas = new WeakMap<ZodType, JsonSchema | undefined>();

function jsonSchema(schema: ZodType): JsonSchema | undefined {
  if (!jsonSchemas.has(schema)) jsonSchemas.set(schema, makeJsonSchema(schema));
  return jsonSchemas.get(schema);
}

function makeJsonSchema(schema: ZodType): JsonSchema | undefined {
  try {
    return z.toJSONSchema(schema, { unrepresentable: 'any' }) as JsonSchema;
  } catch {
    return undefined;
  }
}

function describeIssue(
  issue: ZodError['issues'][number],
  json: JsonSchema | undefined,
  root: unknown,
  base: Path,
): readonly Problem[] {
  const path = [...base, ...issue.path];
  const schema = json && schemaAt(json, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const valid = Object.keys(schema?.properties ?? {}).join(', ');
    const message =
      valid === '' ? 'unknown key; there are no options here' : `unknown key; valid keys: ${valid}`;
    return issue.keys.map((key) => ({ path: [...path, key], message }));
  }
  const value = valueAt(root, issue.path);
  const range = schema && describeRange(schema);
  if (value === undefined) return [{ path, message: `missing; expected ${range ?? 'a value'}` }];
  if (issue.code === 'custom' || range === undefined) {
    return [{ path, message: `${show(value)} is not valid: ${issue.message}` }];
  }
  return [{ path, message: `${show(value)} is not valid; valid: ${range}` }];
}

function schemaAt(schema: JsonSchema, path: Path): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const key of path) at = typeof key === 'number' ? at?.items : at?.properties?.[String(key)];
  return at;
}

/** The value at a path; undefined if there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const key of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** What a schema admits, in words: 'whole number from 1 to 4096', 'one of common, own'. */
function describeRange(schema: JsonSchema): string | undefined {
  if (schema.anyOf) {
    const parts = schema.anyOf.map(describeRange);
    return parts.includes(undefined) ? undefined : parts.join(', or ');
  }
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return String(schema.const);
  switch (schema.type) {
    case 'integer':
      return `whole number${describeBounds(schema)}`;
    case 'number':
      return `number${describeBounds(schema)}`;
    case 'string':
      return schema.pattern === undefined ? 'text' : `text that matches ${schema.pattern}`;
    case 'array':
      return `a list${schema.minItems === undefined ? '' : ` of at least ${schema.minItems}`}`;
    case 'object':
      return schema.properties
        ? `a mapping with the keys ${Object.keys(schema.properties).join(', ')}`
        : 'a mapping';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    default:
      return undefined;
  }
}

function describeBounds(schema: JsonSchema): string {
  // Whole numbers are bounded by what a double holds exactly: not worth mentioning.
  const bound = (value: number | undefined) =>
    value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
  const low = bound(schema.minimum);
  const high = bound(schema.maximum);
  const step = schema.multipleOf === undefined ? '' : `, a multiple of ${schema.multipleOf}`;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}${step}`;
  const parts = [
    low === undefined ? [] : [`>= ${low}`],
    bound(schema.exclusiveMinimum) === undefined ? [] : [`> ${schema.exclusiveMinimum}`],
    high === undefined ? [] : [`<= ${high}`],
    bound(schema.exclusiveMaximum) === undefined ? [] : [`< ${schema.exclusiveMaximum}`],
  ].flat();
  return parts.length === 0 ? step : ` ${parts.join(' and ')}${step}`;
}

const SHOWN_LENGTH = 60;

function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/**
 * Offset in the text of what a path points at: the key of a mapping if there is one, otherwise the nearest
 * part around it.
 */
export function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key);
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    } else {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
  }
  return document.contents?.range?.[0] ?? 0;
}

/** 'file:line:column' of an offset. */
export function describeOffset(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}
