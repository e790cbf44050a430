import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { list, parquet, struct, text } from './files/parquet.test-helper.ts';
import { collect, fixture, load, temporaryFiles } from './files.test-helper.ts';
import { openCorpus } from './open-corpus.ts';
import { QUESTION_FORMATS } from './record.ts';

const file = temporaryFiles();

const FILES: readonly [string, Uint8Array][] = [
  ...[
    ...[
      'hotpotqa.json',
      'hotpotqa-hub.jsonl',
      '2wikimultihopqa.json',
      '2wikimultihopqa-text.jsonl',
      'musique.jsonl',
    ],
    ...[
      'musique.json',
      'bamboogle.csv',
      'bamboogle.jsonl',
      'flashrag-hotpotqa.jsonl',
      'flashrag-musique.jsonl',
    ],
    ...['flashrag-2wikimultihopqa.jsonl', 'flashrag-popqa.jsonl', 'flashrag-triviaqa.jsonl'],
  ].map((name): [string, Uint8Array] => [name, readFileSync(fixture(name))]),
  [
    'search-r1.parquet',
    parquet(
      [
        ...[text('id'), text('question'), text('data_source')],
        struct('reward_model', struct('ground_truth', list('target', text('element')))),
      ],
      [{ id: 'a', question: 'q', data_source: 'nq', reward_model: { ground_truth: { target: ['x', 'y'] } } }],
    ),
  ],
];

/** Loads, or says what is wrong. Anything else fails the test; a hang runs into its time limit. */
async function loadsOrRefuses(loading: Promise<readonly unknown[]>): Promise<void> {
  try {
    expect((await loading).length).toBeGreaterThan(0);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
  }
}

describe('any bytes load or are refused by an InputError', () => {
  const extension = fc.constantFrom('.json', '.jsonl', '.ndjson', '.csv', '.parquet');
  const format = fc.option(fc.constantFrom(...QUESTION_FORMATS), { nil: undefined });

  it('random bytes', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'grapheme', maxLength: 80 }).map((value) => Buffer.from(value)),
      // A Parquet file's frame around a random footer.
      fc.uint8Array({ maxLength: 80 }).map((footer) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(footer.length);
        return Buffer.concat([Buffer.from('PAR1'), footer, length, Buffer.from('PAR1')]);
      }),
    );
    await fc.assert(
      fc.asyncProperty(bytes, extension, format, async (content, ending, name) => {
        const path = file(`random${ending}`, content);
        await loadsOrRefuses(load(path, name === undefined ? {} : { format: name }));
      }),
      { numRuns: 600 },
    );
  });

  it('random JSON in the place of records and of their fields', async () => {
    const names = [
      'id',
      '_id',
      'question',
      'answer',
      'golden_answers',
      'context',
      'supporting_facts',
      'paragraphs',
    ];
    const more = [
      'metadata',
      'reward_model',
      'extra_info',
      'prompt',
      'question_decomposition',
      'answerable',
      'type',
    ];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('a', ['a'], [['T', ['s']]], { title: ['T'] }),
    );
    const record = fc.oneof(
      { weight: 1, arbitrary: fc.jsonValue() },
      { weight: 6, arbitrary: fc.dictionary(fc.constantFrom(...names, ...more), value, { maxKeys: 12 }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 4 }),
        format,
        fc.boolean(),
        async (records, name, lines) => {
          const content = lines
            ? records.map((item) => JSON.stringify(item)).join('\n')
            : JSON.stringify(records);
          const path = file(lines ? 'json.jsonl' : 'json.json', content);
          await loadsOrRefuses(load(path, name === undefined ? {} : { format: name }));
          await loadsOrRefuses(openCorpus(path).then(collect));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('files with a piece that is wrong, missing or twice', async () => {
    const change = fc.record({
      which: fc.nat(FILES.length - 1),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(6),
      bytes: fc.uint8Array({ maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ which, at, length, bytes }) => {
        const [name, content] = FILES[which]!;
        const from = Math.floor(at * content.length);
        const changed = Buffer.concat([content.subarray(0, from), bytes, content.subarray(from + length)]);
        await loadsOrRefuses(load(file(name, changed)));
      }),
      { numRuns: 800 },
    );
  });
});
