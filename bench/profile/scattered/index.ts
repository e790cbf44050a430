import type { Experiment } from '../experiment.ts';
import { choice, ends, leads, type ProcessState } from '../process.ts';

const TURNS = 16;
/** Probability of the right action of a critical turn at the start. */
export const RIGHT = 0.75;

/** 16 turns of which k are critical, evenly spread, and all of those must go right. J at the start: 0.75^k. */
export const scattered: Experiment = {
  id: 'scattered',
  question: 'Can a method serve several critical turns among idle ones, all of them needed?',
  claim: 'a few critical steps carry the outcome (CARL, arXiv 2512.04949): how few must they be?',
  knob: { name: 'critical turns among 16', levels: [1, 2, 4, 8, 16] },
  process: (critical) => {
    const states: Record<string, ProcessState> = {};
    for (let turn = 0; turn < TURNS; turn++) {
      const isCritical = Math.floor(((turn + 1) * critical) / TURNS) > Math.floor((turn * critical) / TURNS);
      const on = (track: 'on track' | 'lost') =>
        turn + 1 === TURNS ? ends(track === 'on track') : leads(`${track}, turn ${turn + 2}`);
      for (const track of ['on track', 'lost'] as const) {
        const name = `${track}, turn ${turn + 1}`;
        const actions = isCritical
          ? choice(RIGHT, ['good', on(track)], ['bad', on('lost')])
          : choice(0.5, ['left', on(track)], ['right', on(track)]);
        states[name] = { text: name, actions };
      }
    }
    return { starts: ['on track, turn 1'], states };
  },
};
