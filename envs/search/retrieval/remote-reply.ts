import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readDocument } from './document.ts';
import type { Hit, Passage } from './retriever.ts';

const documentSchema = z
  .object({
    id: z.union([z.string().min(1), z.number()]).nullish(),
    title: z.string().nullish(),
    text: z.string().nullish(),
    contents: z.string().nullish(),
  })
  .refine(({ text, contents }) => typeof (contents ?? text) === 'string', {
    path: ['contents'],
    message: 'missing',
  });
const scoredSchema = z.object({ document: documentSchema, score: z.number().nullish() });
const replySchema = z.object({ result: z.array(z.array(z.record(z.string(), z.unknown()))) });

/**
 * Reads a server's reply: { result: one list per query }, of { document, score } or, from servers that ignore
 * `return_scores`, of bare documents. What comes without a score has the score 0. Lists longer than `topK` are cut.
 * @param problem makes the error that is thrown where the reply is not like that.
 */
export function parseReply(
  reply: unknown,
  queries: number,
  topK: number,
  problem: (message: string) => Error,
): readonly (readonly Hit[])[] {
  const check = <Value>(schema: z.ZodType<Value>, value: unknown, path: readonly PropertyKey[]): Value => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw problem(`the reply's ${pathText([...path, ...issue.path])} is wrong: ${issue.message}`);
  };
  const { result } = check(replySchema, reply, []);
  if (result.length !== queries) {
    throw problem(`the reply's result has ${result.length} lists for ${queries} queries`);
  }
  return result.map((list, query) =>
    list.slice(0, topK).map((hit, rank) => {
      const path = ['result', query, rank];
      if (!('document' in hit)) return { passage: passageOf(check(documentSchema, hit, path)), score: 0 };
      const { document, score } = check(scoredSchema, hit, path);
      return { passage: passageOf(document), score: score ?? 0 };
    }),
  );
}

function passageOf(document: z.output<typeof documentSchema>): Passage {
  const { title, text } = readDocument(document);
  return { id: document.id == null ? contentId(title, text) : String(document.id), title, text };
}

/** For passages that come without an id: the same one for the same content. */
function contentId(title: string, text: string): string {
  const hash = createHash('sha256').update(JSON.stringify([title, text]));
  return `sha256:${hash.digest('hex').slice(0, 16)}`;
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'top level';
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}
