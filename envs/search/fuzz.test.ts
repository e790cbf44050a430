import { describe, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { fuzz, mutatedJson, mutatedText } from '../../core/fuzz.test-helper.ts';
import { neutralise, parseAction } from './protocol.ts';
import { createBm25 } from './retrieval/bm25.ts';
import { parseReply } from './retrieval/remote-reply.ts';

describe('whatever a retrieval server replies', () => {
  it('is passages or refused', () => {
    const replies = [
      { result: [[{ document: { id: 1, contents: '"T"\nx' }, score: 0.5 }], []] },
      { result: [[{ id: 'a', title: 'T', text: 'x' }], [{ contents: 'x' }]] },
    ];
    const problem = (message: string) => new InputError(message);
    fuzz(mutatedJson(replies), (reply) => parseReply(reply, 2, 3, problem));
  });
});

describe('whatever an agent writes', () => {
  const texts = mutatedText([
    '<think> I look. </think> <search> capital of France </search>',
    '<think> Found it. </think> <answer> Paris </answer>',
    '<information>Doc 1(Title: <|x|>) </information>',
  ]);

  it('is an action', () => {
    fuzz(texts, (text) => parseAction(text));
  });

  it('is nothing of the protocol once it is made harmless', () => {
    fuzz(texts, (text) => {
      const safe = neutralise(text);
      if (parseAction(safe).kind !== 'malformed' || neutralise(safe) !== safe) throw new Error(safe);
    });
  });

  it('can be searched for, in passages of any text', () => {
    const index = createBm25({ passages: [{ id: 'a', title: 'Paris', text: 'The capital of France.' }] });
    fuzz(texts, (text) => {
      index.search([text], 2);
      createBm25({ passages: [{ id: text, title: text, text }] }).search(['paris', text], 1);
    });
  });
});
