import { createRandom } from '../core/random.ts';
import type { AnyEnvironment } from './environment.ts';

/**
 * A scripted agent for small environments that list their actions: it tries every way to the end and takes the first
 * action of the best. Where chance decides, it looks at one outcome that is always the same, so it is the best agent only in
 * environments without chance. Draws nothing from the caller.
 */
export function lookAhead(environment: AnyEnvironment): (state: unknown) => string {
  const random = createRandom(0).split('look ahead');
  const known = new Map<string, { readonly action: string; readonly value: number }>();
  const best = (state: unknown): { readonly action: string; readonly value: number } => {
    const key = environment.key?.(state);
    const found = key === undefined ? undefined : known.get(key);
    if (found !== undefined) return found;
    let choice = { action: '', value: Number.NEGATIVE_INFINITY };
    for (const action of environment.actions!(state)) {
      const next = environment.step(state, action, random.split(action));
      const value = next.reward + (next.terminated || next.truncated ? 0 : best(next.state).value);
      if (value > choice.value) choice = { action, value };
    }
    if (key !== undefined) known.set(key, choice);
    return choice;
  };
  return (state) => best(state).action;
}
