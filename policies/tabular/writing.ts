import type { Generation, Prompt, SampledAction, TokenCodec, TrainablePolicy } from '../policy.ts';
import { entropy, logSoftmax } from '../softmax.ts';
import { addSharedGradient, phiOf, type SharedOptions, type SharedRow, sharedLogits } from './shared.ts';

/** What the policy has read up to a token: a row of its table. */
export interface Reading {
  /** Names the row. Readings with one name have the same tokens and the same logits. */
  readonly row: string;
  /** The ids that can come next, and their logits at the start. */
  readonly tokens: readonly number[];
  readonly initial: readonly number[];
  /** The reading after one of them; undefined after the last token of an action. */
  after(token: number): Reading | undefined;
}

export interface WritingTableOptions {
  readonly codec: TokenCodec;
  /** All rows there are, in the order of the parameters. */
  readonly readings: readonly Reading[];
  /** The reading before an action, from the ids of its context. */
  read(context: Int32Array): Reading;
  /** Parameters that all rows share, the first of the flat vector. Default: none. */
  readonly shared?: SharedOptions;
}

/** A token of a reading that cannot come next has this log-probability, so that it can be measured all the same. */
const IMPOSSIBLE = -50;

/** Where a row's logits lie in the flat vector. */
interface Row extends SharedRow {
  readonly place: number;
  readonly size: number;
}

/**
 * A table that writes: one row of logits for everything that it tells apart before a token, softmax over the tokens that can
 * come next, float64, gradients in closed form. Without nucleus sampling.
 */
export function createWritingTable({ codec, readings, read, shared }: WritingTableOptions): TrainablePolicy {
  const sharedSize = shared?.size ?? 0;
  const rows = new Map<string, Row>();
  const start = new Array<number>(sharedSize).fill(0);
  for (const { row, initial } of readings) {
    if (rows.has(row)) continue;
    rows.set(row, {
      ...{ place: rows.size, offset: start.length, size: initial.length },
      phi: phiOf(shared, row, initial.length),
    });
    start.push(...initial);
  }
  let parameters = Float64Array.from(start);
  const distribution = (row: string, temperature: number): Float64Array => {
    const found = rows.get(row);
    if (found === undefined) throw new Error(`writing table: there is no row '${row}'`);
    const own = parameters.subarray(found.offset, found.offset + found.size);
    return logSoftmax(sharedLogits(own, found.phi, parameters), temperature);
  };
  const readingOf = ({ tokens }: Prompt): Reading => {
    if (tokens === undefined) throw new Error('writing table: the environment lists its actions');
    return read(tokens);
  };

  /** Reads an action token by token: what stood before each, and which of the tokens that could come it is, or -1. */
  const steps = (prompt: Prompt, tokens: readonly number[]) => {
    let reading: Reading | undefined = readingOf(prompt);
    return tokens.map((token) => {
      const at: Reading | undefined = reading;
      const index = at === undefined ? -1 : at.tokens.indexOf(token);
      reading = index === -1 ? undefined : at!.after(token);
      return { row: at?.row, index };
    });
  };

  const logProbsOf = (prompt: Prompt, tokens: readonly number[], temperature: number): Float64Array =>
    Float64Array.from(steps(prompt, tokens), ({ row, index }) =>
      index === -1 ? IMPOSSIBLE : distribution(row!, temperature)[index]!,
    );

  const write = (
    { prompt, random, generation }: Parameters<TrainablePolicy['act']>[0][number],
    temperature: number,
    greedy: boolean,
  ): SampledAction => {
    const { stops, maxTokens, prefix } = checked(generation);
    const tokens = [...(prefix?.tokens ?? [])];
    const logProbs = [...(prefix?.logProbs ?? [])];
    const entropies = [...(prefix?.entropies ?? [])];
    let reading: Reading | undefined = readingOf(prompt);
    for (const token of tokens) reading = reading?.after(token);
    const hasStopped = (): boolean => stops.some((stop) => codec.decode(tokens).includes(stop));
    let stopped = hasStopped();
    while (!stopped && tokens.length < maxTokens && reading !== undefined) {
      const values = distribution(reading.row, temperature);
      const index = greedy ? values.indexOf(Math.max(...values)) : random.categorical(values.map(Math.exp));
      const token: number = reading.tokens[index]!;
      tokens.push(token);
      logProbs.push(values[index]!);
      entropies.push(entropy(values));
      reading = reading.after(token);
      stopped = hasStopped();
    }
    return { text: codec.decode(tokens), tokens, logProbs, entropies, cut: !stopped };
  };

  return {
    id: 'tabular-writing',
    codec,
    act: async (requests, { temperature, greedy = false }) =>
      requests.map((request) => write(request, temperature, greedy)),
    // Of rows, by name: nobody lists the actions of an environment of free text.
    distributions: async (prompts, { temperature }) =>
      prompts.map(({ text }) => distribution(text, temperature)),
    promptTokens: ({ tokens }) => tokens!,
    parameters: () => parameters.slice(),
    setParameters: (values) => {
      if (values.length !== parameters.length) {
        throw new RangeError(`writing table: ${values.length} parameters given, it has ${parameters.length}`);
      }
      parameters = Float64Array.from(values);
    },
    logProbs: async (records, { temperature }) =>
      records.map(({ prompt, tokens }) => logProbsOf(prompt, tokens, temperature)),
    features: async (records) => {
      const width = rows.size;
      return {
        width,
        rows: records.map(({ prompt, tokens }) => {
          const values = new Float64Array(width * tokens.length);
          for (const [t, { row }] of steps(prompt, tokens).entries()) {
            if (row !== undefined) values[t * width + rows.get(row)!.place] = 1;
          }
          return values;
        }),
      };
    },
    gradient: async (records, loss, { temperature }) => {
      const gradients = loss(records.map(({ prompt, tokens }) => logProbsOf(prompt, tokens, temperature)));
      const flat = new Float64Array(parameters.length);
      for (const [record, { prompt, tokens }] of records.entries()) {
        for (const [t, { row, index }] of steps(prompt, tokens).entries()) {
          const partial = gradients[record]![t]! / temperature;
          if (index === -1 || partial === 0) continue;
          const { offset } = rows.get(row!)!;
          // d log softmax_a / d logit_b = [a = b] - p_b
          for (const [b, logProb] of distribution(row!, temperature).entries()) {
            flat[offset + b]! += partial * ((b === index ? 1 : 0) - Math.exp(logProb));
          }
        }
      }
      addSharedGradient(flat, rows.values(), sharedSize);
      return flat;
    },
    dispose: () => {},
  };
}

function checked(generation: Generation | undefined): Generation {
  if (generation === undefined) throw new Error('writing table: the request has no generation');
  return generation;
}
