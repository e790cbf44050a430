import type { Environment, EnvironmentSpec, Task } from 'creditbench';
import { z } from 'zod';

interface State {
  readonly at: number;
  readonly good: boolean;
}
const schema = z.strictObject({ length: z.int().min(1).max(64).default(4) }).prefault({});

const corridor = (length: number): Environment<State> => ({
  id: 'corridor/v1',
  markov: true,
  rewardRange: [0, 1],
  reset: () => ({ at: 0, good: false }),
  observe: ({ at, good }) => ({ text: `step ${at}${good ? ' key' : ''}` }),
  actions: () => ['left', 'right'],
  step: ({ at, good }, action) => {
    const next = { at: at + 1, good: at === 0 ? action === 'right' : good };
    const terminated = next.at === length;
    return { state: next, reward: terminated && next.good ? 1 : 0, terminated, truncated: false };
  },
  key: ({ at, good }) => `${at} ${good}`,
});
const task: Task = { id: 't', question: 'go right first', answers: [], kind: 'corridor', hops: 0 };

const spec: EnvironmentSpec<z.infer<typeof schema>> = {
  id: 'corridor/v1',
  title: 'one choice that matters, then a corridor',
  schema,
  load: async ({ length }) => ({
    environment: corridor(length) as Environment<unknown>,
    tasks: { train: [task], dev: [task], test: [task] },
    fingerprint: `corridor/v1 ${length}`,
  }),
};
export default spec;
