import type { Experiment } from '../experiment.ts';
import { choice, type DecisionProcess, ends, leads, type Outcome, type ProcessState } from '../process.ts';
import { STOP } from '../written.ts';

/** Tokens that matter to the reward: the critical one, and the guesses. */
export const LENGTH = 4;
/** What a guess pays that happens to be right, beside 1 for the critical token. */
export const STAKE = 24;
/** What the guesses should be, which nobody can see. */
const SECRETS = ['a', 'b'] as const;

/**
 * The process with the critical token in this place among the four of an action, or, in place 5, as an action of its own
 * behind that of the guesses.
 * @param stake what a right guess pays.
 */
export function writtenAction(place: number, stake: number): DecisionProcess {
  const states: Record<string, ProcessState> = {};
  const tokens = tokensOf(place);
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
function tokensOf(place: number): readonly ('critical' | 'guess' | 'stop')[] {
  if (place > LENGTH) return ['guess', 'guess', 'guess', 'stop', 'critical', 'stop'];
  const isCritical = Array.from({ length: LENGTH }, (_, at) => at + 1 === place);
  return [...isCritical.map((is) => (is ? 'critical' : 'guess')), 'stop'];
}

/**
 * One action of four tokens, one of which matters: it pays 1 or 0 (right: 0.5 at the start). The others guess at a letter
 * that the question hides, two questions with a letter each, and pay the stake where they hit it; nobody can do better there
 * than chance. J = P(right) + 1.5 stakes. At place 5 the critical token is an action of its own, after the guesses.
 */
export const insideTheAction: Experiment = {
  id: 'inside-the-action',
  question: 'Can a method tell what one token is worth from what the rest of its action is worth?',
  claim:
    'forking at tokens sees what forking at turns does not (APPO, arXiv 2606.12384; TreeRL, arXiv 2506.11902)',
  knob: {
    name: 'place of the critical token in an action of 4; 5: an action of its own',
    levels: [1, 2, 3, 4, 5],
  },
  process: (place) => writtenAction(place, STAKE),
  batch: () => ({ rollouts: 16, questions: 2 }),
  // An episode is one or two actions.
  episodes: 1600,
  optimum: () => 1 + (STAKE * (LENGTH - 1)) / 2,
};
