import type { Prompt } from '../../policies/policy.ts';
import { lacking } from './lacking.ts';
import type { TrajectoryTurn } from './trajectory.ts';

/** What was read up to a node, part by part: kept whole for every node, it would grow with the square of the turns. */
export interface ReadContext {
  readonly before: ReadContext | undefined;
  /** Ids of the last action. */
  readonly action: readonly number[];
  /** Ids of what was read then. */
  readonly observation: readonly number[];
}

/** What was read at a node, as a file has it. The ids of the whole context are put together when they are asked for. */
export function readPrompt(
  observation: TrajectoryTurn['observation'],
  context: ReadContext | undefined,
): Prompt {
  const { text, actions } = observation ?? {};
  const prompt = {
    ...(text === undefined ? {} : { text }),
    ...(actions === undefined ? {} : { actions }),
  };
  if (context !== undefined) Object.defineProperty(prompt, 'tokens', { get: () => wholeContext(context) });
  return lacking(prompt, { text: 'texts of what was read (observation.text)' }) as Prompt;
}

function wholeContext(last: ReadContext): Int32Array {
  const parts: (readonly number[])[] = [];
  for (let at: ReadContext | undefined = last; at !== undefined; at = at.before) {
    parts.push(at.observation, at.action);
  }
  const context = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = context.length;
  for (const part of parts) {
    end -= part.length;
    context.set(part, end);
  }
  return context;
}
