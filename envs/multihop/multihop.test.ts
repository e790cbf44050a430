import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { checkEnvironment } from '../check.ts';
import { scoreAnswer } from '../scoring/answer.ts';
import { baselines, oracleReturn, randomWalkValue, reachableStates } from './baselines.ts';
import { answersByMeaning } from './meaning.test-helper.ts';
import { type LoadedMultihop, loadMultihop } from './multihop.ts';
import { answerGroups, saysAnswer } from './questions.ts';
import type { MultihopTask } from './task.ts';
import { createTeacher } from './teacher.ts';

const score = (prediction: string, golds: readonly string[]): number =>
  scoreAnswer('hotpotqa', prediction, golds).f1;

let directory: string;
let loaded: LoadedMultihop;
let all: readonly MultihopTask[];
const notices: string[] = [];
const load = (maxTurns?: number): Promise<LoadedMultihop> =>
  loadMultihop({ score, cacheDirectory: directory, maxTurns, onNotice: (message) => notices.push(message) });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'multihop-'));
  loaded = await load();
  all = [...loaded.tasks.train, ...loaded.tasks.dev, ...loaded.tasks.test];
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the facts', () => {
  it.each([
    ['Peru', 'capital', ['Lima']],
    ['Lesotho', 'borders', ['South Africa']],
    ['Lesotho', 'currency', ['Lesotho Loti', 'South African Rand']],
    ['Japan', 'currency', ['Japanese Yen']],
    ['Andorra', 'language', ['Catalan']],
    ['Spanish', 'family', ['Romance']],
    ['English', 'family', ['West Germanic']],
    ['West Germanic', 'branch-of', ['Germanic']],
    ['Germanic', 'branch-of', ['Indo-European']],
    ['Munich', 'division', ['Bavaria']],
    ['Bavaria', 'country', ['Germany']],
    ['Bavaria', 'seat', ['Munich']],
    ['France', 'subregion', ['Western Europe']],
    ['Caribbean', 'region', ['Americas']],
    // Traps: a border stated from one side, a wrong language code, a division code given anew, several capitals.
    ['Sri Lanka', 'borders', []],
    ['Belizean Creole', 'family', []],
    ['Hanoi', 'division', []],
    ['South Africa', 'capital', []],
  ] as const)('%s %s %j', (subject, relation, values) => {
    expect(loaded.world.graph.values(subject, relation)).toEqual(values);
  });

  it('state every border from both sides', () => {
    const borders = new Set(
      loaded.world.facts.facts
        .filter(([, relation]) => relation === 'borders')
        .map(([a, , b]) => `${a}|${b}`),
    );
    expect(borders.size).toBeGreaterThan(600);
    for (const border of borders) expect(borders).toContain(border.split('|').reverse().join('|'));
  });

  it('leave at most 10 moves at a node, all of them to nodes', () => {
    const { graph } = loaded.world;
    for (const node of graph.types.keys()) {
      const edges = graph.edges(node);
      expect(edges.length).toBeLessThanOrEqual(10);
      for (const { target } of edges) expect(graph.types.has(target)).toBe(true);
    }
  });
});

describe('the questions', () => {
  it('are at least 3,000 train, 300 dev and 300 test, without repeats', () => {
    expect(loaded.tasks.train.length).toBeGreaterThanOrEqual(3000);
    expect(loaded.tasks.dev.length).toBeGreaterThanOrEqual(300);
    expect(loaded.tasks.test.length).toBeGreaterThanOrEqual(300);
    expect(new Set(all.map((task) => task.id)).size).toBe(all.length);
    expect(new Set(all.map((task) => task.question)).size).toBe(all.length);
  });

  it('have exactly the answers that a second reading of the facts gives', () => {
    for (const task of all.filter((_, index) => index % 4 === 0)) {
      expect([...answersByMeaning(loaded.world.facts.facts, task)].sort(), task.question).toEqual(
        [...task.answers].sort(),
      );
    }
  });

  it('rest on stated facts', () => {
    const stated = new Set(loaded.world.facts.facts.map((fact) => fact.join('|')));
    const used = all.flatMap((task) => task.facts.map((fact) => fact.join('|')));
    expect(used.length).toBeGreaterThan(2 * all.length);
    expect(used.filter((fact) => !stated.has(fact))).toEqual([]);
  });

  it('have no shorter way to the answer than the one asked for', () => {
    const teacher = createTeacher(loaded.world.graph);
    for (const task of all) {
      const { hops, kind } = task;
      const asked = kind === 'compositional' ? hops : kind === 'bridge' ? hops - 1 : 1;
      expect(teacher.turnsNeeded(loaded.environment.reset(task)), task.question).toBe(asked + 1);
    }
  });

  it('do not say their answer, unless they compare', () => {
    for (const task of all) expect(saysAnswer(task), task.question).toBe(task.kind === 'comparison');
    for (const task of all.filter(({ kind }) => kind !== 'comparison')) {
      const text = loaded.environment.observe(loaded.environment.reset(task)).text.toLowerCase();
      for (const answer of task.answers) expect(` ${text} `).not.toContain(` ${answer.toLowerCase()} `);
    }
  });

  it('share no answer between splits in templates with answers enough', () => {
    const templates = new Map<string, MultihopTask[]>();
    for (const task of all) templates.set(task.template, [...(templates.get(task.template) ?? []), task]);
    let disjoint = 0;
    for (const members of templates.values()) {
      const groups = answerGroups(members);
      const isSplitByAnswer =
        groups.length >= 5 && Math.max(...groups.map(({ length }) => length)) <= 0.35 * members.length;
      if (!isSplitByAnswer) continue;
      disjoint += 1;
      const answersOf = (tasks: readonly MultihopTask[]): string[] =>
        tasks.filter((task) => members.includes(task)).flatMap((task) => task.answers);
      const train = new Set(answersOf(loaded.tasks.train));
      const dev = new Set(answersOf(loaded.tasks.dev));
      expect(answersOf(loaded.tasks.dev).filter((answer) => train.has(answer))).toEqual([]);
      expect(answersOf(loaded.tasks.test).filter((answer) => train.has(answer) || dev.has(answer))).toEqual(
        [],
      );
    }
    expect(disjoint).toBeGreaterThan(0.6 * templates.size);
  });
});

describe('loadMultihop', () => {
  it('keeps the contract of environments', () => {
    expect(checkEnvironment(loaded, { random: createRandom(3), tasks: 60 })).toEqual([]);
  });

  it('can be solved: the teacher has F1 1 on every question, walking at random and guessing have little', () => {
    for (const task of all) expect(oracleReturn(loaded, task), task.question).toBe(1);
    const { oracle, random, prior } = baselines(loaded, 'dev', score);
    expect(oracle).toEqual({ f1: 1, em: 1 });
    expect(random.f1).toBeLessThan(0.08);
    expect(prior.f1).toBeLessThan(0.08);
  }, 60_000);

  it('walks at random as often to the answer as samples of it do', () => {
    const task = loaded.tasks.dev.find(({ kind, hops }) => kind === 'comparison' && hops === 2)!;
    const exact = randomWalkValue(loaded.environment, task);
    const random = createRandom(11);
    const walks = 4000;
    let right = 0;
    for (let walk = 0; walk < walks; walk++) {
      let state = loaded.environment.reset(task);
      for (;;) {
        const next = loaded.environment.step(state, loaded.demonstrate!(state, 1, random), random);
        right += next.reward === 1 ? 1 : 0;
        if (next.terminated || next.truncated) break;
        state = next.state;
      }
    }
    // Four standard errors.
    const error = 4 * Math.sqrt((exact.em * (1 - exact.em)) / walks);
    expect(Math.abs(right / walks - exact.em)).toBeLessThan(error);
  });

  it('has few states per question and a vocabulary that covers them', () => {
    const words = new Set(loaded.texts.flatMap((text) => text.split(/[\s?.,|]+/)));
    const unknown = new Set<string>();
    for (const task of loaded.tasks.dev.slice(0, 40)) {
      const states = reachableStates(loaded.environment, task);
      expect(states.size).toBeLessThan(2000);
      for (const state of states.values()) {
        const actions = loaded.environment.actions!(state);
        expect(actions.length).toBeLessThanOrEqual(12);
        const text = [loaded.environment.observe(state).text, ...actions].join(' ');
        for (const word of text.split(/[\s?.,|]+/)) if (!words.has(word)) unknown.add(word);
      }
    }
    expect([...unknown]).toEqual([]);
  });

  it('rebuilds a damaged cache to the same fingerprint', async () => {
    const [file] = await readdir(directory);
    const path = join(directory, file!);
    const whole = await readFile(path, 'utf8');
    await writeFile(path, whole.slice(0, 1000));
    expect((await load()).fingerprint).toBe(loaded.fingerprint);
    expect(notices).toEqual([expect.stringContaining('damaged')]);
    expect(await readFile(path, 'utf8')).toBe(whole);
  }, 60_000);

  it('leaves out what cannot be answered in time, and tells the options apart', async () => {
    const short = await load(3);
    expect(short.tasks.test.length).toBeGreaterThan(0);
    expect(short.tasks.test.length).toBeLessThan(loaded.tasks.test.length);
    expect(short.tasks.test.every((task) => task.moves <= 2)).toBe(true);
    expect(short.fingerprint).not.toBe(loaded.fingerprint);
    await expect(load(1)).rejects.toThrow(InputError);
    await expect(load(2.5)).rejects.toThrow(/maxTurns is 2.5, must be an integer from 2 to 20/);
  });

  it('stops when it is told to', async () => {
    const call = loadMultihop({ score, cacheDirectory: directory, signal: AbortSignal.abort() });
    await expect(call).rejects.toThrow(/abort/i);
  });
});
