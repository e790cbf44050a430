import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../core/random.ts';
import { containsName } from '../multihop/leaks.ts';
import { loadMultihop } from '../multihop/multihop.ts';
import { scoreAnswer } from '../scoring/answer.ts';
import { createDemonstrator } from './demonstrations.ts';
import { createSearch } from './environment.ts';
import { factsPassages, factsTask, passageId } from './facts.ts';
import { metricsOf } from './fake.test-helper.ts';
import { namesInQuestion, neededFacts } from './plan.ts';
import { parseAction } from './protocol.ts';
import { createBm25 } from './retrieval/bm25.ts';

const cacheDirectory = mkdtempSync(join(tmpdir(), 'creditbench-facts-'));
afterAll(() => rmSync(cacheDirectory, { recursive: true }));

const { world } = await loadMultihop({ cacheDirectory, score: () => 0 });
const passages = factsPassages(world.facts.facts);
const byId = new Map(passages.map((passage) => [passage.id, passage]));
const retriever = createBm25({ passages });
const multihopTasks = [...world.questions.train, ...world.questions.dev, ...world.questions.test];
const tasks = multihopTasks.map(factsTask);
const MAX_TURNS = 4;
const environment = createSearch<(typeof tasks)[number]>({
  retriever,
  topK: 3,
  maxTurns: MAX_TURNS,
  maxActionTokens: 64,
  maxObservationTokens: 160,
  prompt: 'short',
  malformed: 'message',
  atLimit: 'answer',
  reward: 'f1',
  score: (prediction, golds) => scoreAnswer('hotpotqa', prediction, golds),
});
const demonstrate = createDemonstrator(passages, MAX_TURNS);

/** A demonstrated episode: what was read before every action, the actions, and how it ended. */
function episode(task: (typeof tasks)[number], noise: number, random: Random) {
  const steps: { read: string; action: string }[] = [];
  let read = '';
  for (let state = environment.reset(task); ; ) {
    const { text, closing = '' } = environment.observe(state);
    read += text + closing;
    const action = demonstrate(state, noise, random);
    steps.push({ read, action });
    const next = environment.step(state, action, random);
    if (next.terminated || next.truncated) {
      return { steps, reward: next.reward, metrics: metricsOf(environment, next.state) };
    }
    state = next.state;
  }
}

describe('the facts world as passages', () => {
  it('tells all objects of a subject and relation in one sentence under a stable id', () => {
    expect(byId.get('Suriname/capital')).toMatchObject({
      title: 'Suriname',
      text: 'The capital of Suriname is Paramaribo.',
    });
    expect(byId.get('Suriname/borders')?.text).toBe('Suriname borders Brazil and Guyana.');
    expect(byId.get('Belgium/language')?.text).toBe(
      'Belgium has German, French and Dutch as official language.',
    );
    expect(byId.size).toBe(passages.length);
  });

  it('tells every fact once, by name, and nothing else', () => {
    const told = passages.flatMap(({ subject, relation, objects, text }) => {
      for (const name of [subject, ...objects]) expect(text).toContain(name);
      return objects.map((object) => JSON.stringify([subject, relation, object]));
    });
    expect(told.sort()).toEqual(world.facts.facts.map((fact) => JSON.stringify(fact)).sort());
  });

  it('has short passages: 9 words or fewer with the title on average, 30 at most', () => {
    const words = passages.map(({ title, text }) => `${title} ${text}`.split(' ').length);
    expect(words.reduce((sum, count) => sum + count, 0) / words.length).toBeLessThan(9);
    expect(Math.max(...words)).toBeLessThan(30);
  });

  it('asks the questions of multihop/v1, with a gold passage for every fact', () => {
    for (const [index, task] of tasks.entries()) {
      const { id, question, answers, kind, facts } = multihopTasks[index]!;
      expect(task).toMatchObject({ id, question, answers, kind });
      expect(new Set(task.goldPassages)).toEqual(new Set(facts.map(passageId)));
      expect(task.hops).toBe(task.goldPassages.length);
      expect(task.goldPassages.every((gold) => byId.has(gold))).toBe(true);
    }
  });

  it('needs more than the bare question: more so with every hop', () => {
    const covered = (hops: number): number => {
      const asked = tasks.filter((task) => task.hops === hops);
      const found = retriever.search(
        asked.map(({ question }) => question),
        3,
      );
      const all = asked.filter(({ goldPassages }, index) => {
        const ids = new Set(found[index]!.map(({ passage }) => passage.id));
        return goldPassages.every((gold) => ids.has(gold));
      });
      return all.length / asked.length;
    };
    expect(covered(2)).toBeGreaterThan(0.1);
    expect(covered(2)).toBeLessThan(0.4);
    expect(covered(3)).toBeLessThan(0.05);
    expect(covered(4)).toBeLessThan(0.01);
  });

  it('finds a passage by its object', () => {
    const [hits] = retriever.search(['country with capital Paramaribo'], 3);
    expect(hits!.map(({ passage }) => passage.id)).toContain('Suriname/capital');
  });
});

describe('the scripted searcher', () => {
  const random = createRandom(3);

  it('answers nearly every question within its turns, and without noise draws nothing', () => {
    const unused: Random = {
      categorical: () => expect.fail('categorical'),
      integer: () => expect.fail('integer'),
      uniform: () => expect.fail('uniform'),
      split: () => expect.fail('split'),
    };
    const byKind = new Map<string, number[]>();
    for (const task of tasks) {
      const { reward, steps, metrics } = episode(task, 0, unused);
      expect(steps.length).toBeLessThanOrEqual(MAX_TURNS + 1);
      expect(metrics).toMatchObject({ answered: 1, malformed_actions: 0, valid_format: 1 });
      const key = `${task.kind} ${Math.min(task.hops, 4)}`;
      byKind.set(key, [...(byKind.get(key) ?? []), reward]);
    }
    expect([...byKind.keys()].sort()).toEqual([
      'bridge 2',
      'bridge 3',
      'bridge 4',
      'comparison 2',
      'comparison 4',
      'compositional 2',
      'compositional 3',
      'compositional 4',
    ]);
    for (const [key, rewards] of byKind) {
      const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
      expect(mean, key).toBeGreaterThan(key === 'compositional 4' ? 0.88 : 0.97);
    }
  });

  it('follows the option that fits a comparison up to the value asked for', () => {
    const comparisons = tasks.filter(({ kind }) => kind === 'comparison');
    expect(comparisons.length).toBeGreaterThan(800);
    for (const task of comparisons) {
      const [subject, , object] = neededFacts(task).at(-1)!;
      const asked = namesInQuestion(task).filter((name) => !task.options.includes(name));
      expect(asked.includes(object) || asked.includes(subject), task.question).toBe(true);
    }
  });

  it('names only what the question or a retrieved passage has named, mistakes included', () => {
    const names = [...world.facts.types.keys()];
    let searches = 0;
    for (const [index, task] of tasks.entries()) {
      if (index % 40 !== 0) continue;
      const { steps } = episode(task, index % 80 === 0 ? 0 : 0.6, random.split(index));
      for (const { read, action } of steps) {
        for (const name of names) {
          if (action.includes(name) && containsName(action, name))
            expect(containsName(read, name), name).toBe(true);
        }
        if (parseAction(action).kind === 'search') searches += 1;
      }
    }
    expect(searches).toBeGreaterThan(100);
  });

  it('answers only what it has read or been asked about', () => {
    for (const [index, task] of tasks.entries()) {
      if (index % 10 !== 0) continue;
      for (const { read, action } of episode(task, 0.5, random.split('answers', index)).steps) {
        const parsed = parseAction(action);
        if (parsed.kind === 'answer') expect(read).toContain(parsed.answer);
      }
    }
  });

  it('makes all kinds of mistakes, and recovers from those that leave it turns', () => {
    const counts = { malformed: 0, repeated: 0, wrong: 0, recovered: 0, searched: 0 };
    for (const [index, task] of tasks.entries()) {
      if (index % 4 !== 0) continue;
      const { steps, reward, metrics } = episode(task, 0.3, random.split('mistakes', index));
      const queries = steps.flatMap(({ action }) => {
        const parsed = parseAction(action);
        return parsed.kind === 'search' ? [parsed.query] : [];
      });
      counts.malformed += metrics.malformed_actions!;
      counts.repeated += queries.length - new Set(queries).size;
      counts.searched += queries.length;
      if (reward === 0) counts.wrong += 1;
      if (metrics.malformed_actions! > 0 && reward === 1) counts.recovered += 1;
    }
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(20);
  });

  it('with noise 1 makes a mistake every time: no episode goes as it would without', () => {
    for (const [index, task] of tasks.entries()) {
      if (index % 50 !== 0) continue;
      const start = environment.reset(task);
      expect(demonstrate(start, 1, random.split('all', index))).not.toBe(demonstrate(start, 0, random));
    }
  });

  it('ends every action with a stop, so that policies which learn it stop', () => {
    for (const [index, task] of tasks.entries()) {
      if (index % 20 !== 0) continue;
      for (const { action } of episode(task, 0.7, random.split('stops', index)).steps) {
        expect(action).toMatch(/<\/(search|answer)>$/);
        expect(action.match(/<\/(search|answer)>/g)).toHaveLength(1);
      }
    }
  });
});

it('guesses from what was read, never from the accepted answers', () => {
  const hurried = createDemonstrator(passages, 1);
  let guesses = 0;
  let right = 0;
  for (const task of tasks.filter(({ options }) => options.length > 0).slice(0, 300)) {
    const start = environment.reset(task);
    const { state } = environment.step(start, hurried(start, 0, createRandom(0)), createRandom(0));
    const action = hurried(state, 0, createRandom(0));
    if (!action.includes('Not found.')) continue;
    guesses++;
    if (task.answers.some((answer) => action.includes(`<answer> ${answer} </answer>`))) right++;
    const elsewhere = { ...state, task: { ...task, answers: ['Atlantis'] } };
    expect(hurried(elsewhere, 0, createRandom(0))).toBe(action);
  }
  expect(guesses).toBeGreaterThan(50);
  // Of two options, about half: an oracle would have all.
  expect(right / guesses).toBeLessThan(0.75);
});
