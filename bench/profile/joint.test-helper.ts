import { compile, type DecisionProcess } from './process.ts';

/** The best return of a policy that takes one action per text, by trying all of them. */
export function bestJointReturn(process: DecisionProcess): number {
  const { values } = compile(process);
  const counts = new Map(Object.values(process.states).map(({ text, actions }) => [text, actions.length]));
  const texts = [...counts.keys()];
  let best = Number.NEGATIVE_INFINITY;
  const take = (taken: ReadonlyMap<string, number>): void => {
    const text = texts[taken.size];
    if (text === undefined) {
      const { value } = values((name) => {
        const { text: read, actions } = process.states[name]!;
        return actions.map((_, action) => Number(action === taken.get(read)));
      });
      best = Math.max(best, value);
      return;
    }
    for (let action = 0; action < counts.get(text)!; action++) take(new Map([...taken, [text, action]]));
  };
  take(new Map());
  return best;
}
