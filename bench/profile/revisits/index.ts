import type { Experiment } from '../experiment.ts';
import { choice, type Outcome, type ProcessState } from '../process.ts';

const TURNS = 8;

/**
 * Eight turns, each in one of as many rooms as the level says, drawn evenly; a good action pays 1/8 at once. With one
 * room all rollouts meet in every state; with many hardly two do. J = mean P(good).
 */
export const revisits: Experiment = {
  id: 'revisits',
  question: 'What does a method gain from states that many rollouts meet?',
  claim: 'anchor states give step-level credit without a critic (GiGPO, arXiv 2505.10978)',
  knob: { name: 'rooms per turn', levels: [1, 2, 4, 8, 16] },
  process: (rooms) => {
    const nameOf = (turn: number, room: number): string => `turn ${turn}, room ${room}`;
    const states: Record<string, ProcessState> = {};
    for (let turn = 1; turn <= TURNS; turn++) {
      const on = (good: boolean): readonly Outcome[] => {
        const reward = good ? 1 / TURNS : 0;
        if (turn === TURNS) return [{ probability: 1, reward, right: good }];
        return Array.from({ length: rooms }, (_, room) => ({
          probability: 1 / rooms,
          reward,
          next: nameOf(turn + 1, room + 1),
        }));
      };
      // Every episode starts in the same room.
      for (let room = 1; room <= (turn === 1 ? 1 : rooms); room++) {
        const name = nameOf(turn, room);
        states[name] = { text: name, actions: choice(0.5, ['good', on(true)], ['bad', on(false)]) };
      }
    }
    return { starts: [nameOf(1, 1)], states };
  },
};
