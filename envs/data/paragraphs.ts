import { asArray, asFields, asString, type Fields, wrong } from '../scoring/json.ts';
import { type Context, distinct, isAbsent, unpacked } from './fields.ts';
import type { Paragraph } from './record.ts';

/** Paragraphs, and the gold titles that none of them has. */
export interface Evidence {
  readonly paragraphs: readonly Paragraph[];
  readonly goldTitles: readonly string[];
  readonly goldWithoutParagraph: readonly string[];
}

/**
 * Reads `context` and `supporting_facts` in any of their spellings: `[[title, [sentence, …]], …]` with
 * `[[title, sentence number], …]`; `{title: […], sentences: [[…], …]}` (`content` in place of `sentences` in
 * FlashRAG's 2WikiMultihopQA) with `{title: […], sent_id: […]}`; or JSON text of either. Both may be absent.
 * Every paragraph with a gold title is gold.
 * @param joiner between the sentences of a paragraph.
 */
export function readEvidence(fields: Fields, joiner: string, context: Context): Evidence {
  const goldTitles = supportingTitles(fields.supporting_facts, context);
  const gold = new Set(goldTitles);
  const paragraphs = contextPairs(fields.context, context).map(({ title, sentences }) => ({
    title,
    text: sentences.join(joiner),
    gold: gold.has(title),
  }));
  const titles = new Set(paragraphs.map(({ title }) => title));
  return { paragraphs, goldTitles, goldWithoutParagraph: goldTitles.filter((title) => !titles.has(title)) };
}

function supportingTitles(packed: unknown, context: Context): readonly string[] {
  const { where, expected } = context;
  if (isAbsent(packed)) return [];
  const value = unpacked(packed, 'supporting_facts', context);
  if (!Array.isArray(value)) {
    const { title } = asFields(value, `${where}: supporting_facts`, expected);
    return isAbsent(title) ? [] : distinct(texts(title, 'supporting_facts.title', context));
  }
  return distinct(
    value.map((fact, i) => {
      const pair = asArray(fact, `${where}: supporting_facts[${i}]`, expected);
      return asString(pair[0], `${where}: supporting_facts[${i}][0]`, expected);
    }),
  );
}

interface Pair {
  readonly title: string;
  readonly sentences: readonly string[];
}

function contextPairs(packed: unknown, context: Context): readonly Pair[] {
  const { where, expected } = context;
  if (isAbsent(packed)) return [];
  const value = unpacked(packed, 'context', context);
  if (Array.isArray(value)) {
    return value.map((item, i) => {
      const [title, sentences] = asArray(item, `${where}: context[${i}]`, expected);
      return {
        title: asString(title, `${where}: context[${i}][0]`, expected),
        sentences: texts(sentences, `context[${i}][1]`, context),
      };
    });
  }
  const columns = asFields(value, `${where}: context`, expected);
  const name = isAbsent(columns.sentences) ? 'content' : 'sentences';
  if (isAbsent(columns.title) && isAbsent(columns[name])) return [];
  const titles = texts(columns.title, 'context.title', context);
  const lists = asArray(columns[name], `${where}: context.${name}`, expected);
  if (lists.length !== titles.length) {
    throw wrong(`${where}: context`, `${titles.length} titles but ${lists.length} texts`, expected);
  }
  return titles.map((title, i) => ({ title, sentences: texts(lists[i], `context.${name}[${i}]`, context) }));
}

function texts(value: unknown, name: string, { where, expected }: Context): readonly string[] {
  return asArray(value, `${where}: ${name}`, expected).map((item, i) =>
    asString(item, `${where}: ${name}[${i}]`, expected),
  );
}
