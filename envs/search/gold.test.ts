import { describe, expect, it } from 'vitest';
import { PASSAGES, wordRetriever } from './fake.test-helper.ts';
import { identifier, withKnownIds } from './gold.ts';

describe('identifier', () => {
  const passages = [
    ...PASSAGES,
    { id: 'p3', title: 'Mard', text: 'Another Mard.' },
    { id: 'p4', title: 'Mard', text: 'A third Mard.' },
    { id: 'p5', title: 'Orn', text: 'Orn is a god.' },
    { id: 'p6', title: 'Orn', text: 'Orn is  a god.' },
  ];
  const identify = identifier(passages);

  it('finds by title and text, white space aside', () => {
    expect(identify('Mard', 'Another Mard.')?.id).toBe('p3');
    expect(identify(' Mard', 'Another\n Mard. ')?.id).toBe('p3');
    expect(identify('Orn', 'Orn is a god.')?.id).toBe('p5');
  });

  it('finds by title alone where only one passage has it', () => {
    expect(identify('Ilve', 'The Ilve.')?.id).toBe('p1');
    expect(identify('Mard', 'What is Mard?')).toBeUndefined();
    expect(identify('Nowhere', 'Mard has a mill.')).toBeUndefined();
  });
});

describe('withKnownIds', () => {
  it("gives a server's passages the ids of those that say the same, and leaves the others", async () => {
    const server = wordRetriever([
      { id: '900', title: 'Ilve', text: 'The Ilve  ends in the town of Mard.' },
      { id: '901', title: 'Ilve', text: 'The Ilve is a river.' },
    ]);
    const retriever = withKnownIds(server, PASSAGES);
    const found = await retriever.search(['Ilve', 'zzz'], 3);
    expect(found).toEqual([
      [
        { passage: PASSAGES[1], score: 1 },
        { passage: { id: '901', title: 'Ilve', text: 'The Ilve is a river.' }, score: 1 },
      ],
      [],
    ]);
    expect(retriever.fingerprint).toBe(server.fingerprint);
  });
});
