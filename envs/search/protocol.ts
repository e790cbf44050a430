import type { Passage } from './retrieval/retriever.ts';

/** What an action's text asks for. Tags without content, and texts without a whole tag, are malformed. */
export type ParsedAction =
  | { readonly kind: 'search'; readonly query: string; readonly isExact: boolean }
  | { readonly kind: 'answer'; readonly answer: string; readonly isExact: boolean }
  | { readonly kind: 'malformed' };

/** The strings that end an action. */
export const STOPS = ['</search>', '</answer>'] as const;

/** How an action begins that answers at once, in the words of the scripted searcher. */
export const ANSWERING = '<think> Found it. </think> <answer>';

/** Ends an observation of passages, whatever is cut before it. */
export const CLOSING = '</information>\n\n';

/** Any tag of the protocol, opening or closing. */
const TAG = /<(\/?(?:think|search|information|answer))>/gi;
/** What looks like a control token of a language model: <|begin|>, <|im_end|>. */
const CONTROL = /<(\|[^<>|]*\|)>/g;

/**
 * Reads an action after Search-R1: the first complete `<search>…</search>` or `<answer>…</answer>` counts,
 * whichever opens first, and all else is ignored. The content is trimmed; an empty query is malformed, an empty
 * answer is an answer. `isExact` says that the whole text is `<think>…</think>` and then that tag, with
 * nothing but white space around them and no tag inside either. Linear in the text's length; never throws.
 */
export function parseAction(text: string): ParsedAction {
  const search = firstElement(text, 'search');
  const answer = firstElement(text, 'answer');
  const found = answer === undefined || (search !== undefined && search.at < answer.at) ? search : answer;
  if (found === undefined) return { kind: 'malformed' };
  const isExact = isExactForm(text, found);
  const content = found.content.trim();
  if (found === answer) return { kind: 'answer', answer: content, isExact };
  return content === '' ? { kind: 'malformed' } : { kind: 'search', query: content, isExact };
}

interface Element {
  readonly at: number;
  readonly end: number;
  readonly content: string;
}

/** The leftmost `<tag>…</tag>`: where the first opening tag is not closed behind it, no later one is. */
function firstElement(text: string, tag: string): Element | undefined {
  const at = text.indexOf(`<${tag}>`);
  if (at < 0) return undefined;
  const start = at + tag.length + 2;
  const stop = text.indexOf(`</${tag}>`, start);
  if (stop < 0) return undefined;
  return { at, end: stop + tag.length + 3, content: text.slice(start, stop) };
}

function isExactForm(text: string, { at, end, content }: Element): boolean {
  const before = text.slice(0, at).trim();
  return (
    before.startsWith('<think>') &&
    before.endsWith('</think>') &&
    before.length >= '<think></think>'.length &&
    !hasTag(before.slice('<think>'.length, -'</think>'.length)) &&
    !hasTag(content) &&
    text.slice(end).trim() === ''
  );
}

function hasTag(text: string): boolean {
  return text.search(TAG) >= 0;
}

/**
 * Text from outside as one line in which nothing can be mistaken for the protocol: white space becomes single
 * spaces, and the angle brackets around the protocol's tags and around control tokens (`<|…|>`) become square
 * ones. Doing it twice changes nothing more.
 */
export function neutralise(text: string): string {
  return text.replace(/\s+/g, ' ').trim().replace(TAG, '[$1]').replace(CONTROL, '[$1]');
}

/** The observation after a search, without its closing: Search-R1's layout, one line per passage. */
export function information(passages: readonly Passage[]): string {
  const lines = passages.map(
    ({ title, text }, index) => `Doc ${index + 1}(Title: ${neutralise(title)}) ${neutralise(text)}\n`,
  );
  return `\n\n<information>${lines.length === 0 ? 'Nothing found.\n' : lines.join('')}`;
}

/** How the question is put: 'short' for policies trained from scratch, 'search-r1' with instructions. */
export const PROMPTS = ['short', 'search-r1'] as const;

/** A key of `PROMPTS`. */
export type PromptStyle = (typeof PROMPTS)[number];

const INSTRUCTIONS = `You answer a question with the help of a search tool.
Whenever you have read something new, first reason about it between <think> and </think>.
If a piece of knowledge is missing, write a query between <search> and </search>: the best passages come back between <information> and </information>. You may search several times.
As soon as you know enough, write only the answer, as short as possible and without explanations, between <answer> and </answer>. For example: <answer> Beijing </answer>.
`;

/** The first observation. */
export function promptOf(style: PromptStyle, question: string): string {
  const asked = `Question: ${neutralise(question)}\n`;
  return style === 'short' ? `<|begin|>${asked}` : `${INSTRUCTIONS}${asked}`;
}

/** The observation after a malformed action. */
export function malformedMessage(style: PromptStyle): string {
  return style === 'short'
    ? '\n\nNot valid. Write <search> query </search> or <answer> answer </answer>.\n\n'
    : '\n\nThat was no valid action. To search, put a query between <search> and </search>. To finish, put the answer between <answer> and </answer>. Try again.\n\n';
}
