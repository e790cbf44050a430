import { sampleActions } from '../enumerable.ts';
import type { Prompt, TrainablePolicy } from '../policy.ts';
import { logSoftmax } from '../softmax.ts';
import { addSharedGradient, phiOf, type SharedOptions, sharedLogits } from './shared.ts';

export interface TabularOptions {
  /** Starting logit of an action, by prompt and index into its actions. Default: 0, a uniform policy. */
  readonly initial?: (prompt: Prompt, action: number) => number;
  /** Parameters that all rows share, the first of the flat vector. Default: none. */
  readonly shared?: SharedOptions;
}

/** The logits of one prompt, where they lie in the flat vector, and what they started from. */
interface Entry {
  readonly prompt: Prompt;
  /** Its number among the prompts, in the order in which they were first seen. */
  readonly place: number;
  readonly offset: number;
  readonly logits: Float64Array;
  readonly start: Float64Array;
  /** phi: the shared parameters' part in each action's logit, action by action. */
  readonly phi: Float64Array;
  /** Log-probabilities at `temperature`; undefined once the logits have changed. */
  known: { readonly temperature: number; readonly logProbs: Float64Array } | undefined;
}

/**
 * One logit per prompt and action, softmax over a prompt's actions, float64, gradients in closed form.
 * Parameters are laid out in the order in which prompts are first seen, so the vector grows; a shorter vector
 * sets the logits of prompts that it does not reach back to their start.
 * @throws Error when one prompt text comes with different numbers of actions.
 */
export function createTabularPolicy({ initial = () => 0, shared }: TabularOptions = {}): TrainablePolicy {
  const common = new Float64Array(shared?.size ?? 0);
  const table = new Map<string, Entry>();
  let size = common.length;
  const row = (prompt: Prompt): Entry => {
    const actions = prompt.actions;
    if (actions === undefined) throw new Error('tabular policy: the environment does not list its actions');
    let found = table.get(prompt.text);
    if (found === undefined) {
      const start = Float64Array.from(actions, (_, index) => initial(prompt, index));
      const known = { text: prompt.text, actions };
      const phi = phiOf(shared, prompt.text, actions.length);
      found = {
        ...{ prompt: known, place: table.size, offset: size, start, phi },
        ...{ logits: start.slice(), known: undefined },
      };
      table.set(prompt.text, found);
      size += actions.length;
    }
    if (found.logits.length !== actions.length) {
      throw new Error(
        `tabular policy: prompt '${prompt.text}' has had ${found.logits.length} actions, now ${actions.length}`,
      );
    }
    return found;
  };
  // Not to be changed by whoever reads it: a state that is met again is not computed again.
  const distribution = (prompt: Prompt, temperature: number): Float64Array => {
    const entry = row(prompt);
    if (entry.known?.temperature !== temperature) {
      entry.known = {
        temperature,
        logProbs: logSoftmax(sharedLogits(entry.logits, entry.phi, common), temperature),
      };
    }
    return entry.known.logProbs;
  };

  return {
    id: 'tabular',
    act: async (requests, { temperature }) =>
      sampleActions(
        requests,
        requests.map((request) => distribution(request.prompt, temperature)),
      ),
    distributions: async (prompts, { temperature }) =>
      prompts.map((prompt) => distribution(prompt, temperature).slice()),
    // A table reads one symbol: the state.
    promptTokens: (prompt) => [row(prompt).offset],
    parameters: () => {
      const flat = new Float64Array(size);
      flat.set(common);
      for (const { offset, logits } of table.values()) flat.set(logits, offset);
      return flat;
    },
    prompts: () => [...table.values()].map(({ prompt }) => prompt),
    setParameters: (parameters) => {
      if (parameters.length > size) {
        throw new RangeError(`tabular policy: ${parameters.length} parameters given, at most ${size} known`);
      }
      for (let index = 0; index < common.length; index++) common[index] = parameters[index] ?? 0;
      for (const entry of table.values()) {
        const { offset, logits, start } = entry;
        entry.known = undefined;
        for (let index = 0; index < logits.length; index++) {
          logits[index] = parameters[offset + index] ?? start[index]!;
        }
      }
    },
    logProbs: async (records, { temperature }) =>
      records.map(({ prompt, tokens }) => Float64Array.of(distribution(prompt, temperature)[tokens[0]!]!)),
    // A table knows which prompt it is: one number per prompt, a 1 at its own.
    features: async (records) => {
      const places = records.map(({ prompt }) => row(prompt).place);
      const width = table.size;
      const rows = new Map(
        [...new Set(places)].map((place) => [place, new Float64Array(width).fill(1, place, place + 1)]),
      );
      return { width, rows: places.map((place) => rows.get(place)!) };
    },
    gradient: async (records, loss, { temperature }) => {
      const distributions = records.map(({ prompt }) => distribution(prompt, temperature));
      const gradients = loss(records.map(({ tokens }, i) => Float64Array.of(distributions[i]![tokens[0]!]!)));
      const flat = new Float64Array(size);
      for (let i = 0; i < records.length; i++) {
        const { prompt, tokens } = records[i]!;
        const { offset } = row(prompt);
        const gradient = gradients[i]![0]! / temperature;
        const logProbs = distributions[i]!;
        // d log softmax_a / d logit_b = [a = b] - p_b
        for (let b = 0; b < logProbs.length; b++) {
          flat[offset + b]! += gradient * ((b === tokens[0] ? 1 : 0) - Math.exp(logProbs[b]!));
        }
      }
      addSharedGradient(flat, table.values(), common.length);
      return flat;
    },
    dispose: () => {},
  };
}
