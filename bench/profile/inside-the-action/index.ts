import type { Experiment } from '../experiment.ts';
import { choice, type DecisionProcess, ends, leads, type Outcome, type ProcessState } from '../process.ts';
import { STOP } from '../written.ts';

/** Tokens that guess. */
export const GUESSES = 4;
/** What a guess pays that happens to be right, beside 1 for the critical token. */
export const STAKE = 4;
/** What the guesses should be, which nobody can see. */
const SECRETS = ['a', 'b'] as const;

/**
 * The process in which so many guesses stand before the critical token in its action, and the others in the action before.
 * @param stake what a right guess pays.
 */
export function writtenAction(together: number, stake: number): DecisionProcess {
  const states: Record<string, ProcessState> = {};
  const tokens = tokensOf(together);
  /** The states from a token on. @returns the name of the first. */
  const from = (secret: string, at: number, hits: number, right: boolean | undefined): string => {
    const name = `${secret}, token ${at + 1}, ${hits} hits, critical ${right ?? 'open'}`;
    if (states[name] !== undefined) return name;
    const next = (more: number, is = right): readonly Outcome[] =>
      leads(from(secret, at + 1, hits + more, is));
    const actions = {
      critical: () => choice(0.5, ['a', next(0, true)], ['b', next(0, false)]),
      guess: () => choice(0.5, ['a', next(Number(secret === 'a'))], ['b', next(Number(secret === 'b'))]),
      stop: () => {
        const isLast = at === tokens.length - 1;
        return [
          { name: STOP, logit: 0, outcomes: isLast ? ends(right!, Number(right) + stake * hits) : next(0) },
        ];
      },
    }[tokens[at]!]();
    const begins = at === 0 || tokens[at - 1] === 'stop';
    states[name] = { text: `token ${at + 1}`, actions, ...(begins ? {} : { inside: true }) };
    return name;
  };
  return { starts: SECRETS.map((secret) => from(secret, 0, 0, undefined)), states };
}

/** The tokens of an episode. */
function tokensOf(together: number): readonly ('critical' | 'guess' | 'stop')[] {
  const guesses = (count: number) => Array.from({ length: count }, () => 'guess' as const);
  const before = GUESSES - together;
  return [
    ...guesses(before),
    ...(before === 0 ? [] : ['stop' as const]),
    ...guesses(together),
    'critical',
    'stop',
  ];
}

/**
 * Four tokens that guess, and one that matters: it pays 1 or 0 (right: 0.5 at the start) and ends its action. The guesses are
 * at a letter that the question hides, two questions with a letter each, and pay the stake where they hit it; nobody can do
 * better there than chance. J = P(right) + 2 stakes. As many guesses as the level says are in the critical token's action,
 * the others in an action before it.
 */
export const insideTheAction: Experiment = {
  id: 'inside-the-action',
  question: 'Can a method tell what one token is worth from what the rest of its action is worth?',
  claim:
    'forking at tokens sees what forking at turns does not (APPO, arXiv 2606.12384; TreeRL, arXiv 2506.11902)',
  knob: {
    name: 'tokens before the critical one in its action',
    levels: [0, 1, 2, 3, 4],
  },
  process: (together) => writtenAction(together, STAKE),
  batch: () => ({ rollouts: 16, questions: 2 }),
  // An episode is one or two actions.
  episodes: 1600,
  optimum: () => 1 + (STAKE * GUESSES) / 2,
};
