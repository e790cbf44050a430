import { z } from 'zod';
import { QUESTION_FORMATS } from '../data/record.ts';
import { PROMPTS } from './protocol.ts';
import { analyzerSchema } from './retrieval/analyzer.ts';
import { rewardSchema } from './reward.ts';

const FILES = z
  .strictObject({
    train: z.string().min(1).optional().describe('Questions to train on; `run` needs some.'),
    dev: z.string().min(1).describe('Questions to evaluate on.'),
    test: z.string().min(1).optional().describe('Questions kept for last.'),
  })
  .describe("Question files, with questions 'files' only.");

/** Options of `search/v1`. */
export const searchOptionsSchema = z
  .strictObject({
    questions: z
      .enum(['facts', 'files'])
      .default('facts')
      .describe(
        "'facts': the questions of multihop/v1 over one passage per fact; 'files': your own. Default 'facts'.",
      ),
    files: FILES.optional(),
    format: z
      .enum(QUESTION_FORMATS)
      .optional()
      .describe('Format of the question files; found out when left out.'),
    corpus: z
      .string()
      .min(1)
      .default('questions')
      .describe(
        "'questions': the passages that come with the questions; or a corpus file. Default 'questions'.",
      ),
    retriever: z
      .union([z.literal('bm25'), z.url({ protocol: /^https?$/ })])
      .default('bm25')
      .describe(
        "'bm25', or the http(s) address of a server that speaks Search-R1's protocol. Default 'bm25'.",
      ),
    retrieverName: z
      .string()
      .min(1)
      .optional()
      .describe(
        'What the server holds (corpus, model, version): results with different names are never mixed. Required with an address.',
      ),
    k1: z
      .number()
      .min(0)
      .max(1000)
      .default(0.9)
      .describe('BM25: saturation of term counts; 0 to 1000, default 0.9.'),
    b: z.number().min(0).max(1).default(0.4).describe('BM25: length normalisation; 0 to 1, default 0.4.'),
    analyzer: analyzerSchema.prefault({}).describe('BM25: how texts become terms (foldAccents, stopWords).'),
    timeoutMs: z
      .int()
      .min(1)
      .max(300_000)
      .default(10_000)
      .describe('Server: milliseconds to wait for an answer; 1 to 300000, default 10000.'),
    retries: z
      .int()
      .min(0)
      .max(20)
      .default(3)
      .describe('Server: attempts after the first that failed in passing; 0 to 20, default 3.'),
    topK: z.int().min(1).max(20).default(3).describe('Passages per search; 1 to 20, default 3.'),
    maxTurns: z
      .int()
      .min(1)
      .max(20)
      .default(4)
      .describe('Turns in which a search is answered; 1 to 20, default 4.'),
    maxActionTokens: z
      .int()
      .min(1)
      .max(4096)
      .default(64)
      .describe('Tokens per action; 1 to 4096, default 64.'),
    maxObservationTokens: z
      .int()
      .min(1)
      .max(16_384)
      .default(500)
      .describe('Tokens of an observation before its closing tag; 1 to 16384, default 500.'),
    malformed: z
      .enum(['message', 'end'])
      .default('message')
      .describe("A malformed action is told so and costs a turn, or ends the episode. Default 'message'."),
    atLimit: z
      .enum(['answer', 'truncate'])
      .default('answer')
      .describe(
        "After the last turn one more action that can only answer, or the end at once. Default 'answer'.",
      ),
    reward: rewardSchema
      .default('f1')
      .describe(
        "'f1' or 'em' of the answer (HotpotQA's rules), or 'em-format' (Search-R1 v0.3), with amounts as { kind: 'em-format', structure, final, retrieval }. Default 'f1'.",
      ),
    prompt: z
      .enum(PROMPTS)
      .default('short')
      .describe("'short': the question alone; 'search-r1': with instructions. Default 'short'."),
  })
  .superRefine((options, context) => {
    const problem = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (options.questions === 'files' && options.files === undefined) {
      problem('files', "required with questions 'files': { train, dev, test }, of which dev must be given");
    }
    if (options.questions === 'facts') {
      for (const name of ['files', 'format'] as const) {
        if (options[name] !== undefined) problem(name, "only with questions 'files'");
      }
      if (options.corpus !== 'questions') problem('corpus', "only with questions 'files'");
    }
    if (options.retriever !== 'bm25') {
      const { username, password, search } = new URL(options.retriever);
      if (username !== '' || password !== '' || search !== '')
        problem(
          'retriever',
          'the address is written into results and must not hold a user, password or query',
        );
      if (options.retrieverName === undefined)
        problem('retrieverName', 'required with the address of a server');
      if (options.corpus !== 'questions') problem('corpus', "only with retriever 'bm25'");
    } else if (options.retrieverName !== undefined) {
      problem('retrieverName', 'only with the address of a server');
    }
  });

/** Options of `search/v1`. */
export type SearchOptions = z.output<typeof searchOptionsSchema>;

/** The files whose content decides the numbers: question files, and the corpus where it is one. */
export function searchFiles({ files, corpus }: SearchOptions): readonly string[] {
  const paths = files === undefined ? [] : [files.train, files.dev, files.test];
  return [...paths, corpus === 'questions' ? undefined : corpus].filter((path) => path !== undefined);
}
