import type { Experiment } from '../experiment.ts';
import { choice, ends, leads, type ProcessState } from '../process.ts';

/** log2(1 / level) even choices in a row, all needed. J at the start: the level. */
export const capability: Experiment = {
  id: 'capability',
  question: 'How rare may success be at the start for a method to get going?',
  claim: 'CARL (arXiv 2512.04949) leaves open what capability a policy needs to begin with',
  knob: { name: 'chance of success at the start', levels: [1 / 2, 1 / 8, 1 / 32, 1 / 128, 1 / 256] },
  process: (chance) => {
    const turns = Math.round(-Math.log2(chance));
    const states: Record<string, ProcessState> = {};
    for (let turn = 1; turn <= turns; turn++) {
      const on = (track: 'on track' | 'lost') =>
        turn === turns ? ends(track === 'on track') : leads(`${track}, turn ${turn + 1}`);
      for (const track of turn === 1 ? (['on track'] as const) : (['on track', 'lost'] as const)) {
        const name = `${track}, turn ${turn}`;
        states[name] = { text: name, actions: choice(0.5, ['good', on(track)], ['bad', on('lost')]) };
      }
    }
    return { starts: ['on track, turn 1'], states };
  },
};
